/* Which bundle runs: the one in the image, or one that was sent into a slot of the flash. */
#ifndef MLTB_SLOTS_H
#define MLTB_SLOTS_H
#include <stddef.h>
#include <stdint.h>

/* Chooses the bundle for this start and marks a new one as tried; the image's own where nothing else may run. */
const uint8_t *slots_choose(size_t *size, int own_only);
/* 0 the image's own bundle, 1 and 2 the slots; milliseconds until an unconfirmed bundle gives way, -1 for a confirmed one. */
unsigned slots_running(int32_t *left_ms);
/* SHA-256 of the running bundle. */
const uint8_t *slots_hash(void);
/* A slot holds a whole bundle: 0 when its hash is another. From the next start on it is the newest. */
int slots_finish(unsigned slot, uint32_t size, const uint8_t *hash);
/* Keeps the running bundle over restarts. */
void slots_confirm(void);
/* The bundle on trial was not confirmed in time. */
int slots_overdue(void);

#endif
