/* Where Lua's memory comes from: all that is left of RAM between .bss and stack. */
#ifndef MLTB_POOL_H
#define MLTB_POOL_H
#include <stddef.h>

/* Resizes a block of `old` bytes, 0 for none, to `size`, 0 to give it back; NULL when there is no room. Blocks begin at words. */
void *heap_resize(void *pointer, size_t old, size_t size);
/* Short blocks that came back are free for any length again: after a whole state was closed, so that the next one does not lie
   in pieces all over the heap. */
void heap_gather(void);

#endif
