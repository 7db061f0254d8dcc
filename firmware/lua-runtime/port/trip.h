/* Output chain and what may open a switch without Lua: the sampler's compare. The monitors' alert pins open switches in
   hardware; here the time of an alert is taken. */
#ifndef MLTB_TRIP_H
#define MLTB_TRIP_H
#include <stddef.h>
#include <stdint.h>

/* Channel of a trip that is not known yet: the alert line is shared. */
#define TRIP_ALERT 255u

struct trip {
  uint8_t channel;
  int16_t code;
  uint32_t tick_us;
};

/* Shifts the outputs, last byte of the chain first, and latches them. A switch that was tripped stays open until it was
   written open. */
void chain_write(const uint8_t *bytes);
/* Opens the switch when a channel's code is above the limit for TRIP_ROWS conversions in a row. `for_us`: the limit holds
   so long, and then the one before counts; 0 for good. A profile must be ended by a limit within 2^32 us. */
void trip_limit(unsigned channel, int16_t code, uint32_t for_us);
/* The oldest trip; 0 when there is none. */
int trip_take(struct trip *trip);
int trip_ready(void);
/* Trips that were not queued because the queue was full, since start. Their switches are open all the same. */
extern volatile uint32_t trips_lost;

/* ---- from interrupts ---- */
void trip_alert(void);
/* Compares a row of which at least one code is above `trip_floor`. */
void trip_row(const uint16_t *codes);
/* The lowest limit; rows at or below it need no further look. */
extern int32_t trip_floor;
/* Some channel was above its limit in the last row. */
extern int trip_counting;

#endif
