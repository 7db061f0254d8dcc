/* A slot begins with a head that is programmed last, so that a slot whose writing was cut short is none. Behind it stand
   two words that are programmed when its bundle is first started and when it is confirmed: a bundle that was started once
   and never confirmed is not started again. */
#include "slots.h"

#include <string.h>

#include "board.h"
#include "flash.h"
#include "frame.h"
#include "hardware.h"
#include "sha256.h"

/* A new bundle is confirmed within this time, or the one before it runs again. */
#define TRIAL_US 10000000u

struct head {
  uint8_t magic[4];
  uint32_t layout;
  uint32_t sequence, size;
  uint8_t hash[SHA256_BYTES];
  uint16_t crc;
};
static const uint8_t magic[4] = {'M', 'L', 'T', 'B'};
#define LAYOUT 1u

extern const char bundle_start[], bundle_end[];
/* Of the image's own bundle, from the build: to sum it up takes 30 ms. */
extern const uint8_t bundle_hash[SHA256_BYTES];

static unsigned running;
static uint32_t trial_us;
static int trial;

static const struct head *head(unsigned slot) {
  return (const struct head *)(const void *)(flash_area() + slot * SLOT_BYTES);
}

static uint32_t mark(unsigned slot, unsigned n) {
  uint32_t word;
  memcpy(&word, flash_area() + slot * SLOT_BYTES + SLOT_MARKS + 4u * n, sizeof word);
  return word;
}

/* Words are programmed to zero; one that lost its power half way counts as programmed. */
static int tried(unsigned slot) { return mark(slot, 0) != UINT32_MAX; }
static int confirmed(unsigned slot) { return mark(slot, 1) != UINT32_MAX; }
static void set_mark(unsigned slot, unsigned n) {
  static const uint8_t zero[4];
  flash_program(slot * SLOT_BYTES + SLOT_MARKS + 4u * n, zero, sizeof zero);
}

static int whole(unsigned slot) {
  const struct head *h = head(slot);
  return memcmp(h->magic, magic, sizeof magic) == 0 && h->layout == LAYOUT &&
         crc16(0xffff, (const uint8_t *)h, offsetof(struct head, crc)) == h->crc && h->size > 0 &&
         h->size <= SLOT_BYTES - SLOT_CONTENT;
}

static int startable(unsigned slot) {
  const struct head *h = head(slot);
  if (!whole(slot)) return 0;
  if (tried(slot) && !confirmed(slot)) return 0;
  uint8_t hash[SHA256_BYTES];
  sha256(hash, flash_area() + slot * SLOT_BYTES + SLOT_CONTENT, h->size);
  return memcmp(hash, h->hash, sizeof hash) == 0;
}

static const uint8_t *slots_content(size_t *size) {
  if (running == 0) {
    *size = (size_t)(bundle_end - bundle_start);
    return (const uint8_t *)bundle_start;
  }
  *size = head(running - 1)->size;
  return flash_area() + (running - 1) * SLOT_BYTES + SLOT_CONTENT;
}

const uint8_t *slots_choose(size_t *size, int own_only) {
  running = 0;
  for (unsigned slot = 0; slot < SLOTS && !own_only; slot++) {
    if (startable(slot) && (running == 0 || head(slot)->sequence > head(running - 1)->sequence)) running = slot + 1;
  }
  trial = running != 0 && !confirmed(running - 1);
  if (trial) {
    set_mark(running - 1, 0);
    trial_us = board_ticks_us();
  }
  return slots_content(size);
}

const uint8_t *slots_hash(void) { return running == 0 ? bundle_hash : head(running - 1)->hash; }

unsigned slots_running(int32_t *left_ms) {
  uint32_t age_us = board_ticks_us() - trial_us;
  *left_ms = !trial ? -1 : age_us < TRIAL_US ? (int32_t)((TRIAL_US - age_us) / 1000u) : 0;
  return running;
}

void slots_confirm(void) {
  if (!trial) return;
  trial = 0;
  set_mark(running - 1, 1);
}

int slots_finish(unsigned number, uint32_t size, const uint8_t *hash) {
  if (number < 1 || number > SLOTS || size > SLOT_BYTES - SLOT_CONTENT) return 0;
  unsigned slot = number - 1;
  struct head h = {.layout = LAYOUT, .sequence = 1, .size = size};
  sha256(h.hash, flash_area() + slot * SLOT_BYTES + SLOT_CONTENT, size);
  if (memcmp(h.hash, hash, sizeof h.hash) != 0) return 0;
  for (unsigned i = 0; i < SLOTS; i++) {
    if (whole(i) && head(i)->sequence >= h.sequence) h.sequence = head(i)->sequence + 1;
  }
  memcpy(h.magic, magic, sizeof magic);
  h.crc = crc16(0xffff, (const uint8_t *)&h, offsetof(struct head, crc));
  flash_program(slot * SLOT_BYTES, (const uint8_t *)&h, sizeof h);
  return 1;
}

int slots_overdue(void) { return trial && board_ticks_us() - trial_us >= TRIAL_US; }
