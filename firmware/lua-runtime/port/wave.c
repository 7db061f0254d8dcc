#include "wave.h"

#include "board.h"
#include "hardware.h"
#include "sampler.h"

#define PERIOD_US (WAVE_CONVERSIONS * 1000000u / CONVERTER_RATE_HZ)
/* 100 ms, and what passes until firmware has heard of a trip. */
#define BEFORE (105000u / PERIOD_US)
#define AFTER (100000u / PERIOD_US)
/* The oldest rows are overwritten while the copy begins. */
#define SPARED 8u

static uint16_t history[BEFORE][CHANNELS];
/* Where the next row goes, how many there are, and when the last one came. */
static uint32_t next, filled, last_us;

struct kept {
  int16_t codes[BEFORE + AFTER];
  volatile uint32_t rows, left;
  uint32_t tick_us;
  unsigned channel;
};
static struct kept kept[2];
/* The slot of the latest waveform. */
static unsigned latest;

void wave_begin(void) {
  next = filled = 0;
  kept[0].left = kept[1].left = 0;
}

void wave_row(const uint16_t *row, uint32_t now_us) {
  uint16_t *to = history[next];
#pragma GCC unroll 8
  for (unsigned i = 0; i < CHANNELS; i++) to[i] = row[i];
  last_us = now_us;
  if (++next == BEFORE) next = 0;
  if (filled < BEFORE) filled++;
  for (struct kept *wave = kept; wave < kept + 2; wave++) {
    if (wave->left == 0) continue;
    wave->codes[wave->rows] = (int16_t)row[wave->channel];
    wave->rows++;
    wave->left--;
  }
}

int wave_running(void) { return (kept[0].left | kept[1].left) != 0; }

int wave_keep(unsigned channel) {
  struct kept *wave = &kept[latest ^ 1u];
  /* Without conversions there is nothing to keep; two waveforms under way are finished first. */
  if (!sampler_running() || wave->left != 0) return 0;
  latest ^= 1u;
  interrupts_off();
  uint32_t count = filled > SPARED ? filled - SPARED : 0;
  uint32_t from = next >= count ? next - count : next + BEFORE - count;
  wave->channel = channel;
  wave->rows = count;
  wave->left = AFTER;
  /* The latest row was converted a conversion before it came. */
  wave->tick_us = last_us - PERIOD_US / WAVE_CONVERSIONS - PERIOD_US * (count - 1u);
  interrupts_on();
  for (uint32_t i = 0; i < count; i++) {
    wave->codes[i] = (int16_t)history[from][channel];
    if (++from == BEFORE) from = 0;
  }
  return 1;
}

int wave_get(unsigned back, struct wave *into) {
  if (back > 1) return 0;
  struct kept *wave = &kept[latest ^ back];
  *into = (struct wave){(uint8_t)wave->channel, (uint16_t)wave->rows, (uint16_t)wave->left, wave->tick_us, wave->codes};
  return wave->rows != 0;
}
