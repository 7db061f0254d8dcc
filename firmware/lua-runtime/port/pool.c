/* Lua's memory. Lua tells how long a block is when it gives it back, so blocks carry no header: one bit for each word of memory
   says whether it is taken, and gaps grow together by themselves. Short blocks that come back wait for the next of their
   length, still marked as taken; a search that fails gives all of them back first. Short blocks are placed from the bottom up
   and long ones from the top down, so that the room between them stays in one piece. */
#include "pool.h"

#include <reent.h>
#include <stdint.h>
#include <string.h>

extern uint32_t __heap_start, __heap_end;

#define BITS 32u
/* Blocks of up to so many words wait for the next of their length. */
#define SHORT 32u

/* A bit for each word from __heap_start, the map's own words included; those behind the last are set. */
static uint32_t *map;
static uint32_t words;
/* Where the search for a short block goes on, upwards, and that for a long one, downwards. */
static uint32_t reached, reached_long;
static void *waiting[SHORT + 1u];

static uint32_t in_words(size_t size) { return (uint32_t)((size + 3u) / 4u); }

static uint32_t place(const void *pointer) { return (uint32_t)((const uint32_t *)pointer - &__heap_start); }

static void mark(uint32_t at, uint32_t count, int taken) {
  while (count > 0) {
    uint32_t bit = at % BITS, some = BITS - bit < count ? BITS - bit : count;
    uint32_t mask = (some == BITS ? ~0u : (1u << some) - 1u) << bit;
    map[at / BITS] = taken ? map[at / BITS] | mask : map[at / BITS] & ~mask;
    at += some;
    count -= some;
  }
}

static void begin(void) {
  map = &__heap_start;
  words = (uint32_t)(&__heap_end - &__heap_start);
  uint32_t own = words / BITS + 1u;
  memset(map, 0, own * sizeof *map);
  mark(0, own, 1);
  mark(words, own * BITS - words, 1);
  reached = own;
  reached_long = words;
}

/* The next word that is taken, or one behind `enough` that are free. */
static uint32_t next_taken(uint32_t at, uint32_t enough) {
  uint32_t i = at / BITS, bits = map[i] & ~0u << at % BITS;
  while (bits == 0) {
    if (++i * BITS >= at + enough) return at + enough;
    bits = map[i];
  }
  return i * BITS + (uint32_t)__builtin_ctz(bits);
}

/* `words` where none is free. */
static uint32_t next_free(uint32_t at) {
  uint32_t i = at / BITS, bits = ~map[i] & ~0u << at % BITS;
  while (bits == 0) {
    if (++i > words / BITS) return words;
    bits = ~map[i];
  }
  return i * BITS + (uint32_t)__builtin_ctz(bits);
}

static uint32_t search_from(uint32_t at, uint32_t count) {
  for (;;) {
    at = next_free(at);
    if (at >= words) return words;
    uint32_t end = next_taken(at, count);
    if (end - at >= count) return at;
    at = end;
  }
}

static uint32_t search_up(uint32_t count) {
  uint32_t at = search_from(reached, count);
  if (at == words && reached > 0) at = search_from(0, count);
  reached = at == words ? 0 : at + count;
  return at;
}

/* The last word below `at` whose bit is set, or clear with `flip` all ones; `words` where there is none. */
static uint32_t last_below(uint32_t at, uint32_t flip) {
  uint32_t i = at / BITS, bits = (map[i] ^ flip) & ~(~0u << at % BITS);
  while (bits == 0) {
    if (i == 0) return words;
    bits = map[--i] ^ flip;
  }
  return i * BITS + (BITS - 1u - (uint32_t)__builtin_clz(bits));
}

static uint32_t search_down(uint32_t count) {
  for (uint32_t end = reached_long;;) {
    uint32_t last = last_below(end, ~0u);
    if (last == words) return words;
    /* The map's own words are taken: there is always one below. */
    end = last_below(last, 0);
    if (last - end < count) continue;
    reached_long = last + 1u - count;
    return reached_long;
  }
}

static void give(void *pointer, uint32_t count) {
  uint32_t at = place(pointer);
  if (count > SHORT) {
    mark(at, count, 0);
    if (at == reached_long) reached_long += count;
    return;
  }
  *(void **)pointer = waiting[count];
  waiting[count] = pointer;
}

void heap_gather(void) {
  for (uint32_t count = 1; count <= SHORT; count++) {
    for (; waiting[count] != NULL; waiting[count] = *(void **)waiting[count]) mark(place(waiting[count]), count, 0);
  }
  reached = 0;
  reached_long = words;
}

static void *take(uint32_t count) {
  if (count <= SHORT && waiting[count] != NULL) {
    void *block = waiting[count];
    waiting[count] = *(void **)block;
    return block;
  }
  uint32_t at = count > SHORT ? search_down(count) : search_up(count);
  if (at == words) {
    heap_gather();
    at = count > SHORT ? search_down(count) : search_up(count);
    if (at == words) return NULL;
  }
  mark(at, count, 1);
  return &__heap_start + at;
}

void *heap_resize(void *pointer, size_t old, size_t size) {
  if (map == NULL) begin();
  uint32_t before = in_words(old), after = in_words(size);
  if (before == after) return pointer;
  if (before == 0) return take(after);
  if (after == 0) {
    give(pointer, before);
    return NULL;
  }
  uint32_t at = place(pointer);
  if (after < before) {
    mark(at + after, before - after, 0);
    return pointer;
  }
  if (next_taken(at + before, after - before) >= at + after) {
    mark(at + before, after - before, 1);
    return pointer;
  }
  void *moved = take(after);
  if (moved == NULL) return NULL;
  memcpy(moved, pointer, old);
  give(pointer, before);
  return moved;
}

/* newlib prints numbers with fractions by means of its own allocator, which tells no lengths: a word before the block does. */
void *_malloc_r(struct _reent *reent, size_t size) {
  (void)reent;
  size_t *block = heap_resize(NULL, 0, size + sizeof size);
  if (block == NULL) return NULL;
  *block = size + sizeof size;
  return block + 1;
}
void _free_r(struct _reent *reent, void *pointer) {
  (void)reent;
  size_t *block = pointer;
  if (block != NULL) heap_resize(block - 1, block[-1], 0);
}
void *_calloc_r(struct _reent *reent, size_t count, size_t size) {
  void *block = _malloc_r(reent, count * size);
  return block == NULL ? NULL : memset(block, 0, count * size);
}
/* Named by a part of Lua that nothing calls. */
void *_realloc_r(struct _reent *reent, void *pointer, size_t size) {
  (void)reent, (void)pointer, (void)size;
  return NULL;
}
