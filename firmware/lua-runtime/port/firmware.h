/* The Lua state with the bundle in it. */
#ifndef MLTB_FIRMWARE_H
#define MLTB_FIRMWARE_H
#include <stddef.h>
#include <stdint.h>

/* Loads and boots the bundle, collects, and says on the debug line what the heap holds. A bundle on trial that cannot gives
   way to the one before; restarts the board if there is none. */
void firmware_start(void);
/* After the present call the bundle hands over what it keeps, and the bundle that is to run is started; the board and its
   outputs stay as they are. */
void firmware_restart(void);
/* Does so when it is due; 1 when it was: milliseconds count from there. */
int firmware_serve_restart(void);
/* The bundle was started without a reset of the board. */
int firmware_exchanged(void);
/* Why a bundle on trial gave way, once; empty when none did. */
const char *firmware_gave_way(void);
/* Received bytes; milliseconds since start. An error that the bundle lets out restarts the board, or ends its trial. */
void firmware_rx(const uint8_t *bytes, size_t size, uint32_t now_ms);
/* Runs what is due; gives the milliseconds until the next due time, at least one. */
uint32_t firmware_tick(uint32_t now_ms);
/* One step of the collector, where there is garbage worth it; call it while there is nothing else to do, until it gives 0. */
int firmware_collect(void);

#endif
