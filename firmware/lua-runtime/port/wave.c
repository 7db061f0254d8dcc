#include "wave.h"

#include "board.h"
#include "hardware.h"
#include "sampler.h"

#define PERIOD_US (WAVE_CONVERSIONS * 1000000u / CONVERTER_RATE_HZ)
/* 100 ms, and what passes until firmware has heard of a trip. */
#define BEFORE (110000u / PERIOD_US)
#define AFTER (100000u / PERIOD_US)

static uint16_t history[BEFORE][CHANNELS];
/* Where the next row goes, how many there are, and when the last one came. */
static uint32_t next, filled, last_us;
static int16_t codes[BEFORE + AFTER];
static volatile uint32_t rows, left;
static uint32_t tick_us;
static unsigned of;

void wave_begin(void) { next = filled = left = 0; }

void wave_row(const uint16_t *row, uint32_t now_us) {
  if (left != 0) {
    /* What came before is being kept: it stays as it is until the waveform is complete. */
    codes[rows] = (int16_t)row[of];
    rows++;
    if (--left == 0) next = filled = 0;
    return;
  }
  uint16_t *to = history[next];
#pragma GCC unroll 8
  for (unsigned i = 0; i < CHANNELS; i++) to[i] = row[i];
  last_us = now_us;
  if (++next == BEFORE) next = 0;
  if (filled < BEFORE) filled++;
}

int wave_running(void) { return left != 0; }

void wave_keep(unsigned channel) {
  /* Without conversions there is nothing to keep. */
  if (!sampler_running()) return;
  interrupts_off();
  /* A second trip within the time of the first: the first one's stays. */
  if (left != 0) {
    interrupts_on();
    return;
  }
  of = channel;
  rows = filled;
  left = AFTER;
  interrupts_on();
  uint32_t from = filled < BEFORE ? 0 : next;
  for (uint32_t i = 0; i < filled; i++) {
    codes[i] = (int16_t)history[from][channel];
    if (++from == BEFORE) from = 0;
  }
  /* The latest row was converted a conversion before it came. */
  tick_us = last_us - PERIOD_US / WAVE_CONVERSIONS - PERIOD_US * (filled - 1u);
}

int wave_get(struct wave *wave) {
  *wave = (struct wave){(uint8_t)of, (uint16_t)rows, (uint16_t)left, tick_us, codes};
  return rows != 0;
}
