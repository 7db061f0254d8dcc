#include "sha256.h"

#include <string.h>

/* First 32 bits of the fractional parts of the cube roots of the first 64 primes, FIPS 180-4, 4.2.2. */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t right(uint32_t x, unsigned n) { return (x >> n) | (x << (32u - n)); }

static void block(uint32_t *state, const uint8_t *bytes) {
  uint32_t w[64], v[8];
  for (unsigned t = 0; t < 16; t++, bytes += 4) {
    w[t] = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
  }
  for (unsigned t = 16; t < 64; t++) {
    uint32_t s0 = right(w[t - 15], 7) ^ right(w[t - 15], 18) ^ (w[t - 15] >> 3);
    uint32_t s1 = right(w[t - 2], 17) ^ right(w[t - 2], 19) ^ (w[t - 2] >> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  memcpy(v, state, sizeof v);
  /* The eight variables change their names from round to round instead of moving. */
  for (unsigned t = 0; t < 64; t += 8) {
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i++) {
#define V(n) v[((n) + 8u - i) % 8u]
      uint32_t e = V(4), a = V(0);
      uint32_t t1 = V(7) + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + ((e & V(5)) ^ (~e & V(6))) + K[t + i] + w[t + i];
      V(3) += t1;
      V(7) = t1 + (right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & V(1)) ^ (a & V(2)) ^ (V(1) & V(2)));
    }
  }
  for (unsigned i = 0; i < 8; i++) state[i] += v[i];
}

void sha256(uint8_t *into, const uint8_t *bytes, size_t size) {
  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint64_t bits = (uint64_t)size * 8u;
  for (; size >= 64; size -= 64, bytes += 64) block(state, bytes);
  uint8_t tail[128] = {0};
  memcpy(tail, bytes, size);
  tail[size] = 0x80;
  size_t end = size < 56 ? 64 : 128;
  for (unsigned i = 0; i < 8; i++) tail[end - 1 - i] = (uint8_t)(bits >> (8u * i));
  for (size_t at = 0; at < end; at += 64) block(state, tail + at);
  for (unsigned i = 0; i < SHA256_BYTES; i++) into[i] = (uint8_t)(state[i / 4] >> (24u - 8u * (i % 4)));
}
