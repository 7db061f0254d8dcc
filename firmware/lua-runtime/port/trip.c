#include "trip.h"

#include <string.h>

#include "board.h"
#include "hardware.h"

/* 200 us at the converter's rate: shorter spikes are the inrush of bypass capacitors and noise. */
#define TRIP_ROWS 4u
#define TRIPS 16u

static uint8_t outputs[CHAIN_BYTES];
/* Channels whose switch was opened here and not yet written open. */
static uint32_t cut;
static struct trip trips[TRIPS];
static volatile uint32_t trip_head, trip_tail;
volatile uint32_t trips_lost;
static int16_t limits[CHANNELS] = {[0 ... CHANNELS - 1] = INT16_MAX};
static uint8_t over[CHANNELS];
/* A profile's limit holds for a time, over the standing one. */
static struct profile { int16_t code; uint32_t from_us, for_us; } profiles[CHANNELS];
int32_t trip_floor = INT16_MAX;
int trip_counting;

static void shift(void) {
  for (size_t i = CHAIN_BYTES; i-- > 0;) {
    for (unsigned bit = 8; bit-- > 0;) {
      gpio_write(PIN_CHAIN_DATA, ((unsigned)outputs[i] >> bit) & 1u);
      gpio_write(PIN_CHAIN_CLOCK, 1);
      gpio_write(PIN_CHAIN_CLOCK, 0);
    }
  }
  gpio_write(PIN_CHAIN_LATCH, 1);
  gpio_write(PIN_CHAIN_LATCH, 0);
}

void chain_write(const uint8_t *bytes) {
  interrupts_off();
  for (size_t i = 0; i < CHAIN_BYTES; i++) outputs[i] = bytes[CHAIN_BYTES - 1 - i];
  for (unsigned channel = 0; channel < CHANNELS; channel++) {
    unsigned bit = CHAIN_SWITCHES + channel, mask = 1u << (bit % 8u);
    if (((cut >> channel) & 1u) == 0) continue;
    if ((outputs[bit / 8u] & mask) == 0) cut &= ~(1u << channel);
    else outputs[bit / 8u] = (uint8_t)(outputs[bit / 8u] & ~mask);
  }
  shift();
  interrupts_on();
}

void trip_limit(unsigned channel, int16_t code, uint32_t for_us) {
  interrupts_off();
  if (for_us == 0) limits[channel] = code;
  profiles[channel] = (struct profile){code, board_ticks_us(), for_us};
  over[channel] = 0;
  trip_floor = INT16_MAX;
  for (unsigned i = 0; i < CHANNELS; i++) {
    if (limits[i] < trip_floor) trip_floor = limits[i];
  }
  interrupts_on();
}

static void add(uint8_t channel, int16_t code) {
  if (trip_head - trip_tail == TRIPS) {
    trips_lost++;
    return;
  }
  trips[trip_head++ % TRIPS] = (struct trip){channel, code, board_ticks_us()};
}

void trip_alert(void) { add(TRIP_ALERT, 0); }

void trip_row(const uint16_t *codes) {
  trip_counting = 0;
  for (unsigned channel = 0; channel < CHANNELS; channel++) {
    int16_t code = (int16_t)codes[channel];
    const struct profile *profile = &profiles[channel];
    if (code <= limits[channel] || (code <= profile->code && board_ticks_us() - profile->from_us < profile->for_us)) {
      over[channel] = 0;
      continue;
    }
    trip_counting = 1;
    if (over[channel] < TRIP_ROWS) over[channel]++;
    unsigned bit = CHAIN_SWITCHES + channel, mask = 1u << (bit % 8u);
    if (over[channel] < TRIP_ROWS || (outputs[bit / 8u] & mask) == 0) continue;
    outputs[bit / 8u] = (uint8_t)(outputs[bit / 8u] & ~mask);
    cut |= 1u << channel;
    shift();
    add((uint8_t)channel, code);
  }
}

int trip_ready(void) { return trip_head != trip_tail; }

int trip_take(struct trip *trip) {
  if (trip_head == trip_tail) return 0;
  /* Not before the copy: the slot is the sampler's again. */
  interrupts_off();
  *trip = trips[trip_tail++ % TRIPS];
  interrupts_on();
  return 1;
}
