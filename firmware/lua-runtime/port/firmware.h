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
/* Does so when it is due; 1 when it was: the bundle's clock counts from there. */
int firmware_serve_restart(void);
/* The bundle was started without a reset of the board. */
int firmware_exchanged(void);
/* Why a bundle on trial gave way, once; empty when none did. */
const char *firmware_gave_way(void);
/* The bundle's clock at a moment of the board's, which must be asked before that wraps twice: microseconds since its start. */
uint64_t firmware_clock_us(uint32_t ticks_us);
/* Received bytes. An error that the bundle lets out restarts the board, or ends its trial. */
void firmware_rx(const uint8_t *bytes, size_t size);
/* Runs what is due at that time of the bundle's clock; gives the milliseconds until the next due time, at least one. */
uint32_t firmware_tick(uint64_t now_ms);
/* One step of the collector, where there is garbage worth it; call it while there is nothing else to do, until it gives 0. */
int firmware_collect(void);

#endif
