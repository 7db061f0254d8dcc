/* ADS131M08 on SPI1 by DMA. Each data-ready edge starts the next frame and then works on the frame before it, so one
   short interrupt per row is all that a row costs. The DMA's sniffer checks the converter's CRC. */
#include "sampler.h"

#include "board.h"
#include "frame.h"
#include "hardware.h"
#include "i2c.h"
#include "rp2040.h"
#include "trip.h"
#include "wave.h"

#define RING_BLOCKS 6u
#define BLOCK_BYTES 1600u
#define PERIOD_US (1000000u / CONVERTER_RATE_HZ)
/* Two times that were read may be this much further apart or nearer than they are. */
#define SLACK_US 2u
#define ROW_BYTES (CHANNELS * 2u)
/* A block at full rate. */
#define SOON_US 5000u

#define DMA_TX 0u
#define DMA_RX 1u

volatile uint32_t sampler_crc_errors, sampler_overruns, sampler_conversions;

/* Two frames: the DMA fills one while the other is worked on. */
static uint16_t frames[2][ADS_FRAME_WORDS];
static const uint16_t nothing[ADS_FRAME_WORDS];
static unsigned filling;
static int started;

static int16_t ring[RING_BLOCKS][BLOCK_BYTES / 2];
static struct { uint32_t first, tick_us; } heads[RING_BLOCKS];
/* Slots of the block that is filled and of the oldest full one; full blocks. */
static uint32_t ring_head, ring_tail;
static volatile uint32_t ring_full, lost_rows;
static uint32_t rows_per_block, row, next_index;
static uint32_t decimation = 1, taken, good;
/* The oldest block is being read: a full ring drops the new block instead. */
static volatile uint32_t held;
static int32_t sums[CHANNELS];
static int running, kept, crc_by_sniffer;
static uint32_t edge_us;
static void conversions(int on);
static uint32_t sniff_ctrl;

/* ---- polled transfers for the set-up ---- */
static void spi_exchange(const uint8_t *out, unsigned count) {
  uint32_t base = SPI_BASE(CONVERTER_SPI);
  for (unsigned i = 0; i < count; i++) {
    while ((REG(base + SPI_SR) & SPI_SR_TNF) == 0) continue;
    REG(base + SPI_DR) = out[i];
    while ((REG(base + SPI_SR) & SPI_SR_RNE) != 0) (void)REG(base + SPI_DR);
  }
  while ((REG(base + SPI_SR) & SPI_SR_BSY) != 0) continue;
  while ((REG(base + SPI_SR) & SPI_SR_RNE) != 0) (void)REG(base + SPI_DR);
}

/* Mode 1: clock idles low, data is taken on the falling edge; the block's own select stays low through a frame (4.4.3). */
static void spi_format(unsigned bits) {
  uint32_t base = SPI_BASE(CONVERTER_SPI);
  REG(base + SPI_CR1) = 0;
  /* 128 MHz / (2 x (1 + 3)) = 16 MHz. */
  REG(base + SPI_CPSR) = 2;
  REG(base + SPI_CR0) = (3u << 8) | (1u << 7) | (bits - 1u);
  REG(base + SPI_CR1) = 1u << 1;
}

/* After a reset words have 24 bits (8.5.1.7): the word length is changed by frames of ten such words. */
static void converter_setup(void) {
  uint8_t frame[3 * ADS_FRAME_WORDS] = {ADS_RESET >> 8, ADS_RESET & 0xffu};
  spi_format(8);
  spi_exchange(frame, sizeof frame);
  /* Registers can be reached 5 us after a reset. */
  board_delay_us(10);
  uint16_t write = ADS_WREG | (ADS_MODE << 7) | 1u;
  frame[0] = (uint8_t)(write >> 8);
  frame[1] = (uint8_t)write;
  frame[3] = (uint8_t)(ADS_SETUP_MODE >> 8);
  frame[4] = (uint8_t)(ADS_SETUP_MODE & 0xffu);
  frame[6] = (uint8_t)(ADS_SETUP_CLOCK >> 8);
  frame[7] = (uint8_t)(ADS_SETUP_CLOCK & 0xffu);
  spi_exchange(frame, sizeof frame);
  spi_format(16);
}

/* ---- DMA ---- */
static void dma_setup(void) {
  uint32_t spi = SPI_BASE(CONVERTER_SPI);
  REG(spi + SPI_DMACR) = 3;
  REG(DMA_CH(DMA_TX) + DMA_WRITE) = spi + SPI_DR;
  REG(DMA_CH(DMA_RX) + DMA_READ) = spi + SPI_DR;
  REG(DMA_CH(DMA_TX) + DMA_COUNT) = ADS_FRAME_WORDS;
  REG(DMA_CH(DMA_RX) + DMA_COUNT) = ADS_FRAME_WORDS;
  REG(DMA_CH(DMA_TX) + DMA_AL1_CTRL) =
      DMA_EN | DMA_SIZE_16 | DMA_INCR_READ | DMA_QUIET | DMA_CHAIN(DMA_TX) | DMA_TREQ(DREQ_SPI1_TX);
  REG(DMA_CH(DMA_RX) + DMA_AL1_CTRL) = DMA_EN | DMA_SIZE_16 | DMA_INCR_WRITE | DMA_QUIET | DMA_CHAIN(DMA_RX) |
                                       DMA_TREQ(DREQ_SPI1_RX) | DMA_SNIFF;
}

/* The data sheet leaves open in which order the sniffer takes the bytes of a half word: known words decide. CRC of 0x1234,
   0x5678 from 0xffff is 0x30ec. Without a sniffer that agrees the frames are checked by the processor. */
static void sniffer_setup(void) {
  static const uint16_t known[2] = {0x1234, 0x5678};
  static uint16_t sink;
  crc_by_sniffer = 0;
  for (uint32_t swap = 0; swap < 2 && !crc_by_sniffer; swap++) {
    sniff_ctrl = 1u | (DMA_RX << 1) | (2u << 5) | (swap << 9);
    REG(DMA_SNIFF_CTRL) = sniff_ctrl;
    REG(DMA_SNIFF_DATA) = 0xffffu;
    REG(DMA_CH(DMA_RX) + DMA_READ) = (uint32_t)(uintptr_t)known;
    REG(DMA_CH(DMA_RX) + DMA_WRITE) = (uint32_t)(uintptr_t)&sink;
    REG(DMA_CH(DMA_RX) + DMA_COUNT) = 2;
    REG(DMA_CH(DMA_RX) + DMA_CTRL_TRIG) =
        DMA_EN | DMA_SIZE_16 | DMA_INCR_READ | DMA_QUIET | DMA_CHAIN(DMA_RX) | DMA_TREQ(DREQ_ALWAYS) | DMA_SNIFF;
    while ((REG(DMA_CH(DMA_RX) + DMA_CTRL_TRIG) & DMA_BUSY) != 0) continue;
    crc_by_sniffer = (REG(DMA_SNIFF_DATA) & 0xffffu) == 0x30ecu;
  }
}

static void frame_start(void) {
  REG(DMA_SNIFF_DATA) = ADS_CRC_SEED;
  REG(DMA_CH(DMA_TX) + DMA_READ) = (uint32_t)(uintptr_t)nothing;
  REG(DMA_CH(DMA_RX) + DMA_WRITE) = (uint32_t)(uintptr_t)frames[filling];
  REG(DMA_MULTI_TRIGGER) = (1u << DMA_TX) | (1u << DMA_RX);
}

/* Over the whole frame with its CRC the remainder is zero. */
static int frame_good(const uint16_t *words, uint32_t sniffed) {
  if (crc_by_sniffer) return (sniffed & 0xffffu) == 0;
  uint16_t crc = ADS_CRC_SEED;
  for (unsigned i = 0; i < ADS_FRAME_WORDS; i++) {
    uint8_t bytes[2] = {(uint8_t)(words[i] >> 8), (uint8_t)words[i]};
    crc = crc16(crc, bytes, 2);
  }
  return crc == 0;
}

/* No frame of the row was good: the block ends here unsent, and the gap shows in the next block's index. */
static void row_lost(void) {
  lost_rows += row + 1;
  next_index++;
  row = 0;
}

/* Codes since the last step of the energy counters, and the counters: converter code x bus-voltage code. */
#define ENERGY_ROWS 64u
static int32_t energy_part[CHANNELS];
static int64_t energy[CHANNELS];
static uint32_t energy_rows;
static int16_t nowhere[CHANNELS];
/* The lowest and highest codes since sampler_range was asked last. */
static int16_t lowest[CHANNELS], highest_of[CHANNELS];
static uint32_t range_rows;

/* The voltage moves little within a step of 3.2 ms; it is the latest that the sweep has. */
static void energy_add(void) {
  energy_rows = 0;
  for (unsigned i = 0; i < CHANNELS; i++) {
    energy[i] += (int64_t)energy_part[i] * (int64_t)sweep_voltage(i);
    energy_part[i] = 0;
  }
}

void sampler_energy(int64_t *into) {
  interrupts_off();
  for (unsigned i = 0; i < CHANNELS; i++) into[i] = energy[i];
  interrupts_on();
}

int sampler_range(int16_t *into) {
  interrupts_off();
  uint32_t count = range_rows;
  for (unsigned i = 0; i < CHANNELS; i++) {
    into[2 * i] = lowest[i];
    into[2 * i + 1] = highest_of[i];
    lowest[i] = INT16_MAX;
    highest_of[i] = INT16_MIN;
  }
  range_rows = 0;
  interrupts_on();
  /* Fewer rows hold none that was looked at. */
  return count > 3;
}

static void range_row(const uint16_t *codes) {
  for (unsigned i = 0; i < CHANNELS; i++) {
    int16_t code = (int16_t)codes[i];
    if (code < lowest[i]) lowest[i] = code;
    if (code > highest_of[i]) highest_of[i] = code;
  }
}

static uint32_t following(uint32_t slot) { return slot + 1 == RING_BLOCKS ? 0 : slot + 1; }

/* A row is complete: into the block, and the block into the ring. A full ring drops its oldest block. */
static void row_complete(void) {
  if (rows_per_block == 0) {
    for (unsigned i = 0; i < CHANNELS; i++) sums[i] = 0;
    return;
  }
  uint32_t slot = ring_head;
  int16_t *to = &ring[slot][row * CHANNELS];
  if (decimation > 1) {
    for (unsigned i = 0; i < CHANNELS; i++) {
      to[i] = (int16_t)(sums[i] / (int32_t)good);
      sums[i] = 0;
    }
  }
  if (row == 0) {
    heads[slot].first = next_index;
    /* The frame at work was converted up to the edge before this one. */
    heads[slot].tick_us = edge_us - PERIOD_US;
  }
  row++;
  next_index++;
  if (row < rows_per_block) return;
  row = 0;
  if (ring_full == RING_BLOCKS - 1) {
    lost_rows += rows_per_block;
    if (held) return;
    ring_tail = following(ring_tail);
    ring_full--;
  }
  ring_head = following(ring_head);
  ring_full++;
}

static void row_end(void) {
  if (good > 0) row_complete();
  else row_lost();
  taken = good = 0;
}

/* Conversions that nobody served, because interrupts were off: no data, but time has passed. */
static void conversions_missed(uint32_t count) {
  sampler_overruns += count;
  while (count-- > 0) {
    if (++taken >= decimation) row_end();
  }
}

void sampler_edge(void) {
  if (!running) return;
  const uint16_t *words = frames[filling];
  int had = started;
  uint32_t sniffed = REG(DMA_SNIFF_DATA), now = board_ticks_us(), since = now - edge_us;
  if (had && (since < PERIOD_US / 2u || (REG(DMA_CH(DMA_RX) + DMA_AL1_CTRL) & DMA_BUSY) != 0)) {
    /* Whether a conversion is missing for it, the time to the next edge says. */
    sampler_overruns++;
    if (since < PERIOD_US / 2u) edge_us = now;
    return;
  }
  /* The converter runs by the timer's own crystal: conversions are counted in its periods, not from when they were served,
     which is at the earliest when they happen. */
  uint32_t count = since < 2u * PERIOD_US - SLACK_US ? 1u : (since + SLACK_US) / PERIOD_US;
  edge_us += count * PERIOD_US;
  if (!had || (int32_t)(edge_us - now) > 0) edge_us = now;
  filling ^= 1u;
  frame_start();
  started = 1;
  if (!had) return;
  sampler_conversions++;
  if (frame_good(words, sniffed)) {
    int32_t highest = INT16_MIN;
    int16_t *to = decimation == 1 && rows_per_block != 0 ? &ring[ring_head][row * CHANNELS] : nowhere;
#pragma GCC unroll 8
    for (unsigned i = 0; i < CHANNELS; i++) {
      int32_t code = (int16_t)words[1 + i];
      if (code > highest) highest = code;
      energy_part[i] += code;
      to[i] = (int16_t)code;
    }
    if (highest > trip_floor || trip_counting) trip_row(words + 1);
    /* Every fourth conversion is enough for a range over hundreds of milliseconds. */
    if ((++range_rows & 3u) == 0) range_row(words + 1);
    if (++energy_rows == ENERGY_ROWS) energy_add();
    if (decimation > 1) {
      for (unsigned i = 0; i < CHANNELS; i++) sums[i] += (int16_t)words[1 + i];
    }
    if (wave_row(words + 1, now) && !kept && rows_per_block == 0 && !wave_running()) conversions(0);
    good++;
  } else {
    sampler_crc_errors++;
  }
  if (++taken >= decimation) row_end();
  if (count > 1u) conversions_missed(count - 1u);
}

/* Conversions begin or end; blocks are made only between sampler_start and sampler_stop. */
static void conversions(int on) {
  if (on == running) return;
  running = on;
  if (!on) {
    gpio_interrupt(PIN_CONVERTER_DRDY, 0);
    converter_clock(0);
    return;
  }
  converter_clock(1);
  converter_setup();
  sniffer_setup();
  dma_setup();
  started = 0;
  edge_us = board_ticks_us();
  wave_begin();
  gpio_interrupt(PIN_CONVERTER_DRDY, GPIO_EDGE_FALL);
}

void sampler_keep(int on) {
  kept = on;
  conversions(kept || rows_per_block != 0 || wave_running());
}

int sampler_start(uint32_t period_us, uint32_t rows) {
  if (period_us == 0 || period_us % PERIOD_US != 0 || rows == 0 || rows * ROW_BYTES > BLOCK_BYTES) return 0;
  sampler_stop();
  interrupts_off();
  decimation = period_us / PERIOD_US;
  rows_per_block = rows;
  row = next_index = taken = good = 0;
  ring_head = ring_tail = ring_full = lost_rows = 0;
  for (unsigned i = 0; i < CHANNELS; i++) sums[i] = 0;
  interrupts_on();
  conversions(1);
  return 1;
}

void sampler_stop(void) {
  interrupts_off();
  rows_per_block = 0;
  ring_full = 0;
  ring_tail = ring_head;
  held = 0;
  interrupts_on();
  conversions(kept || wave_running());
}

int sampler_running(void) { return running; }

int sampler_ready(void) { return ring_full > held; }

int sampler_soon(void) { return running && rows_per_block != 0 && (rows_per_block - row) * decimation * PERIOD_US <= SOON_US; }

/* The conversion that runs now is one ahead of the frame under way, which is one ahead of those worked on. */
uint32_t sampler_index(void) { return next_index + (decimation == 0 ? 0 : (taken + 1u) / decimation); }

int sampler_take(struct block *block) {
  if (ring_full == 0) return 0;
  interrupts_off();
  uint32_t slot = ring_tail;
  held = 1;
  interrupts_on();
  block->bytes = (const uint8_t *)ring[slot];
  block->size = rows_per_block * ROW_BYTES;
  block->first = heads[slot].first;
  block->tick_us = heads[slot].tick_us;
  block->lost = lost_rows;
  return 1;
}

void sampler_release(void) {
  if (!held) return;
  interrupts_off();
  ring_tail = following(ring_tail);
  ring_full--;
  held = 0;
  interrupts_on();
}
