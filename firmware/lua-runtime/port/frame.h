/* CRC-16, COBS and delimiter of the wire. */
#ifndef MLTB_FRAME_H
#define MLTB_FRAME_H
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER 8u
/* Largest decoded frame, and what COBS and the delimiter add to it at most. Boards without streams take 253. */
#ifndef FRAME_MAX
#define FRAME_MAX 2048u
#endif
#define FRAME_WIRE_MAX (FRAME_MAX + FRAME_MAX / 254u + 2u)

/* Numbers of SealFault in protocol/src/frame/seal.ts. */
enum frame_fault { FRAME_GOOD = 0, FRAME_COBS = 1, FRAME_SHORT = 2, FRAME_CRC = 3 };

void frame_init(void);
uint16_t crc16(uint16_t crc, const uint8_t *bytes, size_t size);
/* Writes the bytes on the wire, FRAME_WIRE_MAX at most for a frame of FRAME_MAX; gives their number. */
size_t frame_seal(uint8_t *wire, const uint8_t *header, size_t header_size, const uint8_t *body, size_t body_size,
                  const uint8_t *bulk, size_t bulk_size);
/* Decodes what stood between two delimiters; `plain` has room for `size` bytes. */
enum frame_fault frame_unseal(uint8_t *plain, size_t *plain_size, const uint8_t *block, size_t size);

#endif
