/* The current of every channel over the last 100 ms, and the waveforms that were kept of the last two trips: every conversion,
   with 12 bits of its code. */
#ifndef MLTB_WAVE_H
#define MLTB_WAVE_H
#include <stdint.h>

struct wave {
  unsigned channel;
  /* Rows so far, and rows still to come. */
  uint32_t rows, left;
  /* Time between rows, and at the end of the first row's conversion. */
  uint32_t period_us, tick_us;
};

/* Keeps what the channel's current was, and goes on for 100 ms, in place of the older of two; 0 while both are under way. */
int wave_keep(unsigned channel);
/* The latest waveform (0) or the one before (1); 0 when there is none. */
int wave_get(unsigned back, struct wave *wave);
/* A row of one that is there, to 8 codes of the converter. */
int16_t wave_code(unsigned back, uint32_t row);

/* ---- from the sampler ---- */
/* Conversions begin: what was before is over. */
void wave_begin(void);
/* A conversion; 1 with every second one, whose pair is complete. */
int wave_row(const uint16_t *codes, uint32_t now_us);
/* Rows are still to come. */
int wave_running(void);

#endif
