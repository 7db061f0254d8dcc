#include "wave.h"

#include "board.h"
#include "hardware.h"

#define PERIOD_US (WAVE_CONVERSIONS * 1000000u / CONVERTER_RATE_HZ)
/* 100 ms, and what passes until firmware has heard of a trip. */
#define BEFORE (110000u / PERIOD_US)
#define AFTER (100000u / PERIOD_US)

static uint16_t history[BEFORE][CHANNELS];
/* Where the next row goes, and how many there are. */
static uint32_t next, filled;
static int16_t codes[BEFORE + AFTER];
static volatile uint32_t rows, left;
static uint32_t tick_us;
static unsigned of;

void wave_begin(void) { next = filled = 0; }

void wave_row(const uint16_t *row) {
  uint16_t *to = history[next];
#pragma GCC unroll 8
  for (unsigned i = 0; i < CHANNELS; i++) to[i] = row[i];
  if (++next == BEFORE) next = 0;
  if (filled < BEFORE) filled++;
  if (left == 0) return;
  codes[rows] = (int16_t)row[of];
  rows++;
  left--;
}

int wave_running(void) { return left != 0; }

void wave_keep(unsigned channel) {
  interrupts_off();
  of = channel;
  rows = filled;
  for (uint32_t i = 0; i < filled; i++) {
    codes[i] = (int16_t)history[(next + BEFORE - filled + i) % BEFORE][channel];
  }
  /* The latest row was converted a period ago. */
  tick_us = board_ticks_us() - PERIOD_US * filled;
  left = AFTER;
  interrupts_on();
}

int wave_get(struct wave *wave) {
  *wave = (struct wave){(uint8_t)of, (uint16_t)rows, (uint16_t)left, tick_us, codes};
  return rows != 0;
}
