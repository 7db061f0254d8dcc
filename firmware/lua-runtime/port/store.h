/* Values that outlive restarts, by name, in two sectors of the flash. */
#ifndef MLTB_STORE_H
#define MLTB_STORE_H
#include <stddef.h>
#include <stdint.h>

#define STORE_KEY_BYTES 31u
#define STORE_VALUE_BYTES 200u

/* The value of a key; size 0 where there is none. It lies in flash until the next change. */
const uint8_t *store_get(const uint8_t *key, size_t key_size, size_t *size);
/* Keeps a value, an empty one removes it. 0 when key or value is too long, or the store is full. */
int store_set(const uint8_t *key, size_t key_size, const uint8_t *value, size_t size);

#endif
