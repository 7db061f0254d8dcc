/* SHA-256 (FIPS 180-4), of bytes that lie in one piece. */
#ifndef MLTB_SHA256_H
#define MLTB_SHA256_H
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32u

void sha256(uint8_t *into, const uint8_t *bytes, size_t size);

#endif
