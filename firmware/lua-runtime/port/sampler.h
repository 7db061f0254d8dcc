/* The fast sampler: rows of eight 16-bit codes in blocks, at the converter's rate or a whole fraction of it. */
#ifndef MLTB_SAMPLER_H
#define MLTB_SAMPLER_H
#include <stddef.h>
#include <stdint.h>

/* What a block carries beside its rows. */
struct block {
  const uint8_t *bytes;
  size_t size;
  uint32_t first;
  uint32_t tick_us;
  uint32_t lost;
};

/* Starts sampling with rows that are means over period_us; 0 when the period is not a multiple of the converter's or
   the block does not fit. */
int sampler_start(uint32_t period_us, uint32_t rows);
void sampler_stop(void);
/* Keeps the converter running between streams, for the compare and the energy counters. */
void sampler_keep(int on);
/* Energy counters of all channels: sums of converter code x bus-voltage code over conversions. */
void sampler_energy(int64_t *into);
/* Lowest and highest code of each channel since the last call; 0 where no conversions have come since. */
int sampler_range(int16_t *into);
/* The oldest full block; it stays as it is until sampler_release. 0 when there is none. */
int sampler_take(struct block *block);
void sampler_release(void);
/* A full block waits, other than the one that was taken. */
int sampler_ready(void);
/* The next block is full within 5 ms. */
int sampler_soon(void);
/* Conversions run; how many have been worked on, to see progress. */
int sampler_running(void);
extern volatile uint32_t sampler_conversions;
/* Index of the row whose interval holds this moment. */
uint32_t sampler_index(void);
/* A data-ready edge; called from the pin interrupt. */
void sampler_edge(void);
/* Frames of the converter whose CRC was wrong, and frames that came before the last was through, since start. */
extern volatile uint32_t sampler_crc_errors, sampler_overruns;

#endif
