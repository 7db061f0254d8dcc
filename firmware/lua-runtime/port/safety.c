#include "safety.h"

#include <stdint.h>

#include "board.h"
#include "i2c.h"
#include "rp2040.h"
#include "sampler.h"

/* Without progress of the sampler or of the sweep for this long the watchdog is not fed any more; without a feed the chip
   restarts, and its outputs go to what they are at start. Both together stay below 500 ms. */
#define STALL_US 100000u

/* A part that makes progress by itself: its counter when it was last seen to move, and when that was. */
struct progress {
  uint32_t count, at_us;
};
static struct progress rows, sweeps;

static int moving(struct progress *progress, int running, uint32_t count, uint32_t now_us) {
  if (!running || progress->count != count) {
    progress->count = count;
    progress->at_us = now_us;
  }
  return now_us - progress->at_us < STALL_US;
}

void board_feed(void) { SAFETY_FEED(); }

void safety_start(void) {
  rows.at_us = sweeps.at_us = board_ticks_us();
  /* All but the oscillators restart (2.13.3). */
  REG(PSM_WDSEL) = 0x1fffcu;
  SAFETY_FEED();
  SET(WATCHDOG_CTRL) = 1u << 30;
}

void safety_ticked(void) {
  uint32_t now = board_ticks_us();
  int sampling = moving(&rows, sampler_running(), sampler_conversions, now);
  int sweeping = moving(&sweeps, sweep_running(), sweep_count, now);
  if (sampling && sweeping) SAFETY_FEED();
}
