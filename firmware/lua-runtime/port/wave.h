/* The current of every channel over the last 100 ms, and the waveforms that were kept of the last two trips. */
#ifndef MLTB_WAVE_H
#define MLTB_WAVE_H
#include <stddef.h>
#include <stdint.h>

/* Conversions of a row. */
#define WAVE_CONVERSIONS 2u

struct wave {
  uint8_t channel;
  /* Rows so far, and rows still to come. */
  uint16_t rows, left;
  /* Time at the end of the first row's conversion. */
  uint32_t tick_us;
  const int16_t *codes;
};

/* Keeps what the channel's current was, and goes on for 100 ms, in place of the older of two; 0 while both are under way. */
int wave_keep(unsigned channel);
/* The latest waveform (0) or the one before (1); 0 when there is none. */
int wave_get(unsigned back, struct wave *wave);

/* ---- from the sampler ---- */
/* Conversions begin: what was before is over. */
void wave_begin(void);
void wave_row(const uint16_t *codes, uint32_t now_us);
/* Rows are still to come. */
int wave_running(void);

#endif
