#include "wave.h"

#include "board.h"
#include "hardware.h"
#include "sampler.h"

#define PERIOD_US (1000000u / CONVERTER_RATE_HZ)
#define PAIR_US (2u * PERIOD_US)
/* 100 ms, and what passes until firmware has heard of a trip. */
#define BEFORE (105000u / PAIR_US)
#define AFTER (100000u / PAIR_US)
/* The oldest pairs are overwritten while the copy begins. */
#define SPARED 8u

/* Two conversions in three bytes, the upper 12 bits of each: the first in `low` down to bit 4, the second in `high` and the rest of `low`. */
static struct { uint16_t low[CHANNELS]; uint8_t high[CHANNELS]; } history[BEFORE];
/* Where the next pair goes, how many there are, and when the last one was complete. */
static uint32_t next, filled, last_us;
/* The first of a pair has come. */
static int half;

struct kept {
  uint16_t low[BEFORE + AFTER];
  uint8_t high[BEFORE + AFTER];
  volatile uint32_t pairs, left;
  uint32_t tick_us;
  unsigned channel;
};
static struct kept kept[2];
/* The slot of the latest waveform. */
static unsigned latest;

void wave_begin(void) {
  next = filled = 0;
  half = 0;
  kept[0].left = kept[1].left = 0;
}

int wave_row(const uint16_t *row, uint32_t now_us) {
  uint16_t *low = history[next].low;
  half ^= 1;
  if (half) {
#pragma GCC unroll 8
    for (unsigned i = 0; i < CHANNELS; i++) low[i] = row[i];
    return 0;
  }
  uint8_t *high = history[next].high;
#pragma GCC unroll 8
  for (unsigned i = 0; i < CHANNELS; i++) {
    uint32_t code = row[i];
    low[i] = (uint16_t)(low[i] >> 4 << 4 | (code << 24 >> 28));
    high[i] = (uint8_t)(code >> 8);
  }
  last_us = now_us;
  for (struct kept *wave = kept; wave < kept + 2; wave++) {
    if (wave->left == 0) continue;
    wave->low[wave->pairs] = low[wave->channel];
    wave->high[wave->pairs] = high[wave->channel];
    wave->pairs++;
    wave->left--;
  }
  if (++next == BEFORE) next = 0;
  if (filled < BEFORE) filled++;
  return 1;
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
  wave->pairs = count;
  wave->left = AFTER;
  /* The latest row was converted a conversion before it came. */
  wave->tick_us = last_us - PERIOD_US * 2u * count;
  interrupts_on();
  for (uint32_t i = 0; i < count; i++) {
    wave->low[i] = history[from].low[channel];
    wave->high[i] = history[from].high[channel];
    if (++from == BEFORE) from = 0;
  }
  return 1;
}

int wave_get(unsigned back, struct wave *into) {
  if (back > 1) return 0;
  const struct kept *wave = &kept[latest ^ back];
  *into = (struct wave){wave->channel, 2u * wave->pairs, 2u * wave->left, PERIOD_US, wave->tick_us};
  return wave->pairs != 0;
}

int16_t wave_code(unsigned back, uint32_t row) {
  const struct kept *wave = &kept[latest ^ back];
  uint32_t low = wave->low[row / 2u];
  uint32_t code = row % 2u == 0 ? low & 0xfff0u : (uint32_t)wave->high[row / 2u] << 8 | (low << 28 >> 24);
  /* The middle of what the bits that are gone can have been. */
  return (int16_t)(code | 8u);
}
