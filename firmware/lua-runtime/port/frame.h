/* CRC-16, COBS and delimiter of the wire. */
#ifndef MLTB_FRAME_H
#define MLTB_FRAME_H
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER 8u
/* Major version of the wire, and the kinds with rules of their own: protocol/src. */
#define FRAME_MAJOR 1u
enum { FRAME_CONTROL = 0, FRAME_STREAM = 5, FRAME_KINDS = 7 };
/* Largest decoded control frame with its CRC; what a board takes between two delimiters. */
#define FRAME_CONTROL_MAX 253u
#define FRAME_BLOCK_MAX (FRAME_CONTROL_MAX + 1u)
/* Largest decoded frame, and what COBS and the delimiter add to it at most. Boards without streams take 253. */
#ifndef FRAME_MAX
#define FRAME_MAX 2048u
#endif
#define FRAME_WIRE_MAX (FRAME_MAX + FRAME_MAX / 254u + 2u)

/* What became of a block. The first are the numbers of SealFault in protocol/src/frame/seal.ts. */
enum frame_fault {
  FRAME_GOOD, FRAME_COBS, FRAME_SHORT, FRAME_CRC, FRAME_LENGTH, FRAME_KIND, FRAME_VERSION, FRAME_OVERSIZE, FRAME_EMPTY,
  FRAME_FAULTS
};

void frame_init(void);
uint16_t crc16(uint16_t crc, const uint8_t *bytes, size_t size);
/* Writes the bytes on the wire, FRAME_WIRE_MAX at most for a frame of FRAME_MAX; gives their number. */
size_t frame_seal(uint8_t *wire, const uint8_t *header, size_t header_size, const uint8_t *body, size_t body_size,
                  const uint8_t *bulk, size_t bulk_size);
/* Decodes what stood between two delimiters; `plain` has room for `size` bytes. */
enum frame_fault frame_unseal(uint8_t *plain, size_t *plain_size, const uint8_t *block, size_t size);

/* The receiving end: twin of protocol/src/frame/deframer.ts. */
struct deframer {
  uint8_t held[FRAME_BLOCK_MAX], plain[FRAME_BLOCK_MAX];
  size_t size;
  int skipping;
  /* Blocks by fault, and bytes thrown away with them. */
  uint32_t seen[FRAME_FAULTS], skipped_bytes;
};
/* Takes bytes up to the end of the next block and gives their number. `*plain_size` is the size of a good frame in `plain`,
   header and body, and 0 where none ended there. */
size_t deframe(struct deframer *in, size_t *plain_size, const uint8_t *bytes, size_t size);

#endif
