/* The protocol's seal in C: CRC-16, COBS and delimiter. Twin of protocol/src/frame/seal.ts; the same vectors go through
   both. */
#include "frame.h"

#include <string.h>

/* Polynomial 0x1021, most significant bit first, one entry for each value of the high byte. */
static uint16_t table[256];
/* The same for a byte with a zero behind it. */
static uint16_t later[256];

void frame_init(void) {
  for (unsigned value = 0; value < 256; value++) {
    uint16_t crc = (uint16_t)(value << 8);
    for (unsigned bit = 0; bit < 8; bit++) crc = (uint16_t)((crc << 1) ^ ((crc & 0x8000u) != 0 ? 0x1021u : 0));
    table[value] = crc;
  }
  for (unsigned value = 0; value < 256; value++) later[value] = (uint16_t)(table[value] << 8) ^ table[table[value] >> 8];
}

uint16_t crc16(uint16_t crc, const uint8_t *bytes, size_t size) {
  for (const uint8_t *end = bytes + size; bytes < end; bytes++) crc = (uint16_t)((crc << 8) ^ table[(crc >> 8) ^ *bytes]);
  return crc;
}

/* A block under way: where the code byte of the present run stands, where the next byte goes, and the sum so far. */
struct cobs {
  uint8_t *code;
  uint8_t *at;
  uint32_t crc;
};

/* Stuffs and sums in one pass: at full rate every cycle for a byte is a quarter of a per cent of the processor. Two bytes are
   summed at a time (`later` has the sums of a byte with another behind it) while neither is zero and the run has room for both. */
static void cobs_add(struct cobs *cobs, const uint8_t *bytes, size_t size) {
  uint8_t *code = cobs->code;
  uint8_t *at = cobs->at;
  uint32_t crc = cobs->crc;
  const uint8_t *end = bytes + size;
  while (bytes < end) {
    /* A full run gets its successor only when another byte follows: at the end none is needed. */
    if (at == code + 255) {
      *code = 255;
      code = at++;
    }
    size_t left = (size_t)(end - bytes), room = (size_t)(code + 255 - at);
    for (const uint8_t *pairs = bytes + ((left < room ? left : room) & ~(size_t)1); bytes != pairs; bytes += 2) {
      uint32_t first = bytes[0], second = bytes[1];
      if (first == 0 || second == 0) break;
      crc = (uint32_t)later[(crc >> 8) ^ first] ^ table[(crc & 0xffu) ^ second];
      at[0] = (uint8_t)first;
      at[1] = (uint8_t)second;
      at += 2;
    }
    if (bytes == end || at == code + 255) continue;
    uint32_t byte = *bytes++;
    crc = ((crc << 8) & 0xffffu) ^ table[(crc >> 8) ^ byte];
    if (byte != 0) {
      *at++ = (uint8_t)byte;
    } else {
      *code = (uint8_t)(at - code);
      code = at++;
    }
  }
  cobs->code = code;
  cobs->at = at;
  cobs->crc = crc;
}

size_t frame_seal(uint8_t *wire, const uint8_t *header, size_t header_size, const uint8_t *body, size_t body_size,
                  const uint8_t *bulk, size_t bulk_size) {
  struct cobs cobs = {wire, wire + 1, 0xffff};
  cobs_add(&cobs, header, header_size);
  cobs_add(&cobs, body, body_size);
  cobs_add(&cobs, bulk, bulk_size);
  uint8_t tail[2] = {(uint8_t)cobs.crc, (uint8_t)(cobs.crc >> 8)};
  cobs_add(&cobs, tail, sizeof tail);
  *cobs.code = (uint8_t)(cobs.at - cobs.code);
  *cobs.at++ = 0;
  return (size_t)(cobs.at - wire);
}

enum frame_fault frame_unseal(uint8_t *plain, size_t *plain_size, const uint8_t *block, size_t size) {
  uint8_t *at = plain;
  size_t i = 0;
  while (i < size) {
    size_t code = block[i];
    if (code == 0 || i + code > size) return FRAME_COBS;
    memcpy(at, block + i + 1, code - 1);
    /* A zero inside a run is no COBS; the TypeScript twin never sees one, because the delimiter cuts there. */
    at += code - 1;
    i += code;
    if (code < 255 && i < size) *at++ = 0;
  }
  size_t length = (size_t)(at - plain);
  if (length < FRAME_HEADER + 2) return FRAME_SHORT;
  length -= 2;
  uint16_t sum = (uint16_t)(plain[length] | (plain[length + 1] << 8));
  if (crc16(0xffff, plain, length) != sum) return FRAME_CRC;
  *plain_size = length;
  return FRAME_GOOD;
}

/* The checks of decodeFrame in protocol/src/frame/frame.ts, in its order. */
static enum frame_fault check(struct deframer *in, size_t *size) {
  if (in->size == 0) return FRAME_EMPTY;
  enum frame_fault fault = frame_unseal(in->plain, size, in->held, in->size);
  if (fault != FRAME_GOOD) return fault;
  unsigned kind = in->plain[0] & 15u;
  if (*size != FRAME_HEADER + (in->plain[6] | (unsigned)in->plain[7] << 8)) return FRAME_LENGTH;
  if (kind >= FRAME_KINDS) return FRAME_KIND;
  if (in->plain[0] >> 4 != FRAME_MAJOR && kind != FRAME_CONTROL) return FRAME_VERSION;
  return *size + 2 > FRAME_CONTROL_MAX && kind != FRAME_STREAM ? FRAME_OVERSIZE : FRAME_GOOD;
}

size_t deframe(struct deframer *in, size_t *plain_size, const uint8_t *bytes, size_t size) {
  const uint8_t *zero = memchr(bytes, 0, size);
  size_t part = zero == NULL ? size : (size_t)(zero - bytes);
  *plain_size = 0;
  if (in->skipping) {
    in->skipped_bytes += part;
  } else if (in->size + part > sizeof in->held) {
    in->seen[FRAME_OVERSIZE]++;
    in->skipped_bytes += in->size + part;
    in->skipping = 1;
  } else {
    memcpy(in->held + in->size, bytes, part);
    in->size += part;
  }
  if (zero == NULL) return size;
  if (!in->skipping) {
    enum frame_fault fault = check(in, plain_size);
    in->seen[fault]++;
    if (fault != FRAME_GOOD) {
      in->skipped_bytes += in->size;
      *plain_size = 0;
    }
  }
  in->size = 0;
  in->skipping = 0;
  return part + 1;
}
