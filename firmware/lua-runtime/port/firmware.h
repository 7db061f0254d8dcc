/* The Lua state with the bundle in it. */
#ifndef MLTB_FIRMWARE_H
#define MLTB_FIRMWARE_H
#include <stddef.h>
#include <stdint.h>

/* Loads and boots the bundle, collects, and says on the debug line what the heap holds. Restarts the board if it cannot. */
void firmware_start(void);
/* Received bytes; milliseconds since start. An error that the bundle lets out restarts the board. */
void firmware_rx(const uint8_t *bytes, size_t size, uint32_t now_ms);
/* Runs what is due; gives the milliseconds until the next due time, at least one. */
uint32_t firmware_tick(uint32_t now_ms);
/* One step of the collector, where there is garbage worth it; call it while there is nothing else to do, until it gives 0. */
int firmware_collect(void);

#endif
