/* A log of records in one of two sectors; the last record of a key counts. A full sector is written anew, newest values only,
   into the other one, whose head with the higher generation is programmed last. A record whose writing was cut short ends
   the log: its CRC does not hold, and the next value goes into the other sector. */
#include "store.h"

#include <string.h>

#include "flash.h"
#include "frame.h"
#include "hardware.h"

#define HEAD_BYTES 8u
#define RECORD_BYTES (2u + STORE_KEY_BYTES + STORE_VALUE_BYTES + 2u)
static const uint8_t magic[2] = {'M', 'S'};

static const uint8_t *sector(unsigned n) { return flash_area() + FLASH_STORE + n * FLASH_SECTOR; }

static size_t sum(uint8_t *bytes, size_t size) {
  uint16_t crc = crc16(0xffff, bytes, size);
  bytes[size] = (uint8_t)crc;
  bytes[size + 1] = (uint8_t)(crc >> 8);
  return size + 2;
}
static int sum_holds(const uint8_t *bytes, size_t size) {
  return crc16(0xffff, bytes, size - 2) == (uint16_t)(bytes[size - 2] | bytes[size - 1] << 8);
}

/* Head: magic, generation, CRC. 0 for a sector without one. */
static uint32_t generation(unsigned n) {
  uint32_t count;
  const uint8_t *head = sector(n);
  if (memcmp(head, magic, sizeof magic) != 0 || !sum_holds(head, HEAD_BYTES)) return 0;
  memcpy(&count, head + 2, sizeof count);
  return count;
}

/* Record: sizes of key and value, key, value, CRC. Size of the good one at this place, 0 where the log ends. */
static size_t record_size(const uint8_t *base, size_t at) {
  if (at + 4 > FLASH_SECTOR || base[at] > STORE_KEY_BYTES || base[at + 1] > STORE_VALUE_BYTES) return 0;
  size_t size = 4u + base[at] + base[at + 1];
  return at + size <= FLASH_SECTOR && sum_holds(base + at, size) ? size : 0;
}

static size_t log_end(const uint8_t *base) {
  size_t at = HEAD_BYTES;
  for (size_t size; (size = record_size(base, at)) != 0;) at += size;
  return at;
}

/* The sums of all records up to `end` hold: to add them up for each lookup of a rewrite would take a fifth of a second. */
static const uint8_t *find(const uint8_t *base, size_t end, const uint8_t *key, size_t key_size) {
  const uint8_t *found = NULL;
  for (size_t at = HEAD_BYTES; at < end; at += 4u + base[at] + base[at + 1])
    if (base[at] == key_size && memcmp(base + at + 2, key, key_size) == 0) found = base + at;
  return found;
}

/* The sector in use; 0 when neither is. */
static int current(unsigned *n) {
  *n = generation(1) > generation(0);
  return generation(*n) != 0;
}

const uint8_t *store_get(const uint8_t *key, size_t key_size, size_t *size) {
  unsigned n;
  const uint8_t *record = current(&n) ? find(sector(n), log_end(sector(n)), key, key_size) : NULL;
  *size = record == NULL ? 0 : record[1];
  return record == NULL ? NULL : record + 2 + key_size;
}

/* Writes the other sector: what counts of this one but for `except`, then the new record, then the head. */
static int rewrite(unsigned from, const uint8_t *record, size_t record_bytes) {
  const uint8_t *base = sector(from);
  uint32_t to = FLASH_STORE + (from ^ 1u) * FLASH_SECTOR;
  size_t used = HEAD_BYTES, size, end = generation(from) != 0 ? log_end(base) : HEAD_BYTES;
  for (int writes = 0; writes < 2; writes++) {
    if (writes) flash_erase(to);
    used = HEAD_BYTES;
    for (size_t at = HEAD_BYTES; at < end; at += size) {
      const uint8_t *r = base + at;
      size = 4u + r[0] + r[1];
      int renewed = r[0] == record[0] && memcmp(r + 2, record + 2, r[0]) == 0;
      if (r[1] == 0 || renewed || find(base, end, r + 2, r[0]) != r) continue;
      if (writes) flash_program(to + (uint32_t)used, r, size);
      used += size;
    }
    if (used + record_bytes > FLASH_SECTOR) return 0;
  }
  flash_program(to + (uint32_t)used, record, record_bytes);
  uint8_t head[HEAD_BYTES];
  uint32_t count = generation(from) + 1;
  memcpy(head, magic, sizeof magic);
  memcpy(head + 2, &count, sizeof count);
  flash_program(to, head, sum(head, HEAD_BYTES - 2));
  return 1;
}

int store_set(const uint8_t *key, size_t key_size, const uint8_t *value, size_t size) {
  uint8_t record[RECORD_BYTES];
  unsigned n;
  size_t before;
  if (key_size == 0 || key_size > STORE_KEY_BYTES || size > STORE_VALUE_BYTES) return 0;
  const uint8_t *old = store_get(key, key_size, &before);
  if (before == size && (size == 0 || memcmp(old, value, size) == 0)) return 1;
  record[0] = (uint8_t)key_size;
  record[1] = (uint8_t)size;
  memcpy(record + 2, key, key_size);
  if (size > 0) memcpy(record + 2 + key_size, value, size);
  size_t bytes = sum(record, 2 + key_size + size);
  if (!current(&n)) return rewrite(n, record, bytes);
  const uint8_t *base = sector(n);
  size_t end = log_end(base);
  /* Only erased flash takes a record. */
  for (size_t i = 0; i < bytes; i++) {
    if (end + i >= FLASH_SECTOR || base[end + i] != 0xff) return rewrite(n, record, bytes);
  }
  flash_program(FLASH_STORE + n * FLASH_SECTOR + (uint32_t)end, record, bytes);
  return 1;
}
