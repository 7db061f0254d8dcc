/* W25Q16JV on the SSI (RP2040 data sheet 4.10; flash data sheet chapter 8). While the chip is spoken to, nothing can be
   fetched from it: what runs then lies in RAM, calls nothing outside, and keeps both watchdogs fed. */
#include "flash.h"

#include <string.h>

#include "board.h"
#include "hardware.h"
#include "i2c.h"
#include "rp2040.h"
#include "safety.h"

#define SSI 0x18000000u
#define SSI_CTRLR0 (SSI + 0x00u)
#define SSI_CTRLR1 (SSI + 0x04u)
#define SSI_SSIENR (SSI + 0x08u)
#define SSI_SER (SSI + 0x10u)
#define SSI_SR (SSI + 0x28u)
#define SSI_DR0 (SSI + 0x60u)
#define SSI_SPI_CTRLR0 (SSI + 0xf4u)
#define SR_RFNE (1u << 3)
/* Frames of 8 bits, both directions; frames of 32 bits, EEPROM read, as the second-stage loader has it (boot2.S). */
#define DIRECT (7u << 16)
#define MAPPED ((31u << 16) | (3u << 8))
#define MAPPED_READ ((FLASH_READ << 24) | (2u << 8) | (6u << 2))
#define XIP_FLUSH 0x14000004u
#define XIP 0x10000000u
/* Chip select by hand: the output override of its pin (2.19.6.2). */
#define QSPI_SS_CTRL 0x4001800cu
#define SELECT (2u << 8)
#define DESELECT (3u << 8)

/* In RAM, and neither merged into a caller in flash nor turned into a call of memcpy there. */
#define IN_RAM __attribute__((section(".data.in_ram"), noinline, optimize("no-tree-loop-distribute-patterns")))
/* Longest erase of the data sheet is 400 ms; after this the watchdogs starve. */
#define GIVEN_UP_US 600000u
#define KEEP_ALIVE_US 20000u

struct transfer {
  uint8_t head[4];
  size_t head_size;
  const uint8_t *out;
  size_t out_size;
  uint8_t *in;
  size_t skip, in_size;
};

IN_RAM static uint8_t exchange(uint8_t byte) {
  REG(SSI_DR0) = byte;
  while ((REG(SSI_SR) & SR_RFNE) == 0) {
  }
  return (uint8_t)REG(SSI_DR0);
}

IN_RAM static void command(const struct transfer *t) {
  REG(QSPI_SS_CTRL) = SELECT;
  for (size_t i = 0; i < t->head_size; i++) exchange(t->head[i]);
  for (size_t i = 0; i < t->out_size; i++) exchange(t->out[i]);
  for (size_t i = 0; i < t->skip; i++) exchange(0);
  for (size_t i = 0; i < t->in_size; i++) t->in[i] = exchange(0);
  REG(QSPI_SS_CTRL) = DESELECT;
}

IN_RAM static void single(uint8_t code) {
  REG(QSPI_SS_CTRL) = SELECT;
  exchange(code);
  REG(QSPI_SS_CTRL) = DESELECT;
}

IN_RAM static int busy(void) {
  REG(QSPI_SS_CTRL) = SELECT;
  exchange(FLASH_STATUS);
  uint8_t status = exchange(0);
  REG(QSPI_SS_CTRL) = DESELECT;
  return (status & FLASH_BUSY) != 0;
}

/* The safety loop while the chip works: the latch clock feeds the watchdog that gates the outputs, and what is latched is
   what the chain holds. The monitors' alerts open switches in hardware as ever. */
IN_RAM static void wait_ready(void) {
  uint32_t start = REG(TIMER_RAWL), fed = start;
  while (busy()) {
    uint32_t now = REG(TIMER_RAWL);
    if (now - fed < KEEP_ALIVE_US || now - start > GIVEN_UP_US) continue;
    fed = now;
    SAFETY_FEED();
    REG(GPIO_OUT_SET) = 1u << PIN_CHAIN_LATCH;
    REG(GPIO_OUT_CLR) = 1u << PIN_CHAIN_LATCH;
  }
}

IN_RAM static void mode(uint32_t format) {
  REG(SSI_SSIENR) = 0;
  REG(SSI_CTRLR0) = format;
  REG(SSI_CTRLR1) = 0;
  REG(SSI_SPI_CTRLR0) = MAPPED_READ;
  REG(SSI_SER) = 1;
  REG(SSI_SSIENR) = 1;
}

IN_RAM static void perform(const struct transfer *t, int writes) {
  interrupts_off();
  mode(DIRECT);
  if (writes) single(FLASH_WRITE_ENABLE);
  command(t);
  if (writes) wait_ready();
  mode(MAPPED);
  REG(QSPI_SS_CTRL) = 0;
  REG(XIP_FLUSH) = 1;
  (void)REG(XIP_FLUSH);
  interrupts_on();
}

const uint8_t *flash_area(void) { return (const uint8_t *)(uintptr_t)(XIP + FLASH_AREA); }

static struct transfer at(uint8_t code, uint32_t offset) {
  uint32_t address = FLASH_AREA + offset;
  return (struct transfer){.head = {code, (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address}, .head_size = 4};
}

int flash_erase(uint32_t offset) {
  if (offset >= FLASH_AREA_BYTES || offset % FLASH_SECTOR != 0) return 0;
  struct transfer t = at(FLASH_ERASE, offset);
  /* A part that is being read while interrupts are off would count as one that does not answer. */
  sweep_hold();
  perform(&t, 1);
  sweep_release();
  return 1;
}

int flash_program(uint32_t offset, const uint8_t *bytes, size_t size) {
  if (offset > FLASH_AREA_BYTES || size > FLASH_AREA_BYTES - offset) return 0;
  /* The bytes may lie in the flash itself. */
  static uint8_t page[FLASH_PAGE];
  while (size > 0) {
    size_t part = FLASH_PAGE - offset % FLASH_PAGE;
    if (part > size) part = size;
    struct transfer t = at(FLASH_PROGRAM, offset);
    memcpy(page, bytes, part);
    t.out = page;
    t.out_size = part;
    perform(&t, 1);
    offset += (uint32_t)part;
    bytes += part;
    size -= part;
  }
  return 1;
}

void flash_unique_id(uint8_t *id) {
  struct transfer t = {.head = {FLASH_UNIQUE_ID}, .head_size = 1, .skip = 4, .in = id, .in_size = 8};
  perform(&t, 0);
}
