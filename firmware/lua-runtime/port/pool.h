/* Where Lua's memory comes from: newlib's allocator, or on small boards a list of gaps (pool.c). */
#ifndef MLTB_POOL_H
#define MLTB_POOL_H
#include <stdlib.h>

/* Resizes a block of `old` bytes, 0 for none, to `size`, 0 to give it back; NULL when there is no room. */
#ifdef PACKED_BUNDLE
void *heap_resize(void *pointer, size_t old, size_t size);
#else
static inline void *heap_resize(void *pointer, size_t old, size_t size) {
  (void)old;
  if (size > 0) return realloc(pointer, size);
  free(pointer);
  return NULL;
}
#endif

#endif
