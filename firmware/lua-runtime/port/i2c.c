/* DesignWare I2C masters (RP2040 data sheet, 4.3). Bus 0 is shared by transfers and the sweep: a transfer waits for the
   part that is being read, and the sweep goes on where it was. */
#include "i2c.h"

#include <string.h>

#include "board.h"
#include "hardware.h"
#include "rp2040.h"

#define TIMEOUT_US 20000u
/* The longest that reading one part may take; a part that holds the clock is given up then. */
#define PART_US 2000u

static struct {
  uint8_t addresses[SWEEP_PARTS], registers[SWEEP_REGISTERS];
  uint32_t period_us, part_us;
  unsigned parts, count;
  /* Part that is being read; `parts` between two sweeps. */
  volatile unsigned at;
  volatile int reading, held;
  struct sweep now, done;
  volatile int ready;
} sweeps;

static void bus_init(unsigned bus, unsigned sda, uint32_t hertz) {
  uint32_t base = I2C_BASE(bus);
  for (unsigned pin = sda; pin < sda + 2; pin++) {
    REG(IO_CTRL(pin)) = FUNC_I2C;
    REG(PAD(pin)) = (1u << 6) | (1u << 3) | (1u << 1);
  }
  uint32_t period = SYSTEM_HZ / hertz;
  REG(base + I2C_ENABLE) = 0;
  /* Master, fast mode, restart enabled, slave disabled. */
  REG(base + I2C_CON) = (1u << 0) | (2u << 1) | (1u << 5) | (1u << 6) | (1u << 8);
  REG(base + I2C_HCNT) = period - period * 3 / 5;
  REG(base + I2C_LCNT) = period * 3 / 5;
  REG(base + I2C_SPKLEN) = 8;
  REG(base + I2C_MASK) = 0;
}

void i2c_init(void) {
  bus_init(MONITOR_BUS, PIN_MONITOR_SDA, MONITOR_BUS_HZ);
  bus_init(PANEL_BUS, PIN_PANEL_SDA, PANEL_BUS_HZ);
}

/* Waits for the stop condition, so that the next transfer does not take it for its own. */
static int abort_transfer(uint32_t base) {
  uint32_t start = board_ticks_us();
  while ((REG(base + I2C_RAW) & I2C_STOPPED) == 0 && board_ticks_us() - start < 200) {
  }
  (void)REG(base + I2C_CLR_INTR);
  REG(base + I2C_ENABLE) = 0;
  return -1;
}

static void begin(uint32_t base, unsigned address) {
  REG(base + I2C_ENABLE) = 0;
  (void)REG(base + I2C_CLR_INTR);
  REG(base + I2C_TAR) = address;
  REG(base + I2C_ENABLE) = 1;
}

static int transfer(uint32_t base, unsigned address, const uint8_t *out, size_t out_size, uint8_t *in, size_t in_size) {
  uint32_t start = board_ticks_us();
  size_t total = out_size + in_size;
  size_t received = 0;
  begin(base, address);
  for (size_t i = 0; i < total; i++) {
    uint32_t command = i < out_size ? out[i] : I2C_READ;
    if (i == out_size && out_size > 0) command |= I2C_RESTART;
    if (i + 1 == total) command |= I2C_STOP;
    while ((REG(base + I2C_STATUS) & (1u << 1)) == 0) {
      if ((REG(base + I2C_RAW) & I2C_ABORTED) != 0 || board_ticks_us() - start > TIMEOUT_US) return abort_transfer(base);
    }
    REG(base + I2C_DATA_CMD) = command;
    while (received < in_size && REG(base + I2C_RXFLR) != 0) in[received++] = (uint8_t)REG(base + I2C_DATA_CMD);
  }
  /* Stop detected ends the transfer; an abort ends it too. */
  while ((REG(base + I2C_RAW) & I2C_STOPPED) == 0 || received < in_size) {
    if ((REG(base + I2C_RAW) & I2C_ABORTED) != 0 || board_ticks_us() - start > TIMEOUT_US) return abort_transfer(base);
    while (received < in_size && REG(base + I2C_RXFLR) != 0) in[received++] = (uint8_t)REG(base + I2C_DATA_CMD);
  }
  int aborted = (REG(base + I2C_RAW) & I2C_ABORTED) != 0;
  (void)REG(base + I2C_CLR_STOP);
  return aborted ? abort_transfer(base) : 0;
}

/* ---- sweep ---- */
static uint32_t voltages[SWEEP_PARTS];
volatile uint32_t sweep_count;
int sweep_running(void) { return sweeps.parts != 0; }
uint32_t sweep_voltage(unsigned part) { return voltages[part]; }

#define SWEEP_BASE I2C_BASE(0)

/* One transfer a part: pointer, repeated start, two bytes, and the same for the next register. It fits the 16 entries of
   the command queue. */
static void part_begin(void) {
  begin(SWEEP_BASE, sweeps.addresses[sweeps.at]);
  sweeps.reading = 1;
  sweeps.part_us = board_ticks_us();
  for (unsigned i = 0; i < sweeps.count; i++) {
    REG(SWEEP_BASE + I2C_DATA_CMD) = sweeps.registers[i] | (i > 0 ? I2C_RESTART : 0);
    REG(SWEEP_BASE + I2C_DATA_CMD) = I2C_READ | I2C_RESTART;
    REG(SWEEP_BASE + I2C_DATA_CMD) = I2C_READ | (i + 1 == sweeps.count ? I2C_STOP : 0);
  }
  REG(SWEEP_BASE + I2C_MASK) = I2C_STOPPED;
}

static void part_end(int good) {
  uint8_t *to = sweeps.now.bytes + sweeps.at * sweeps.count * 2;
  REG(SWEEP_BASE + I2C_MASK) = 0;
  sweeps.reading = 0;
  if (good && REG(SWEEP_BASE + I2C_RXFLR) == sweeps.count * 2) {
    for (unsigned i = 0; i < sweeps.count * 2; i++) to[i] = (uint8_t)REG(SWEEP_BASE + I2C_DATA_CMD);
    if (sweeps.count > 1) voltages[sweeps.at] = ((uint32_t)to[2] << 8) | to[3];
  } else {
    sweeps.now.missing |= 1u << sweeps.at;
  }
  REG(SWEEP_BASE + I2C_ENABLE) = 0;
  if (++sweeps.at < sweeps.parts) {
    if (!sweeps.held) part_begin();
    return;
  }
  sweep_count++;
  sweeps.done = sweeps.now;
  sweeps.ready = 1;
}

void i2c0_handler(void) {
  int aborted = (REG(SWEEP_BASE + I2C_RAW) & I2C_ABORTED) != 0;
  (void)REG(SWEEP_BASE + I2C_CLR_INTR);
  if (sweeps.reading) part_end(!aborted);
}

/* A new sweep when it is time; a part that holds the bus is given up after PART_US. */
void sweep_timer_handler(void) {
  REG(TIMER_INTR) = 2;
  if (sweeps.parts == 0) return;
  uint32_t now = board_ticks_us();
  if (sweeps.at < sweeps.parts) {
    if (sweeps.reading && now - sweeps.part_us >= PART_US) part_end(0);
    REG(TIMER_ALARM1) = now + PART_US;
    return;
  }
  sweeps.at = 0;
  sweeps.now.missing = 0;
  sweeps.now.tick_us = now;
  REG(TIMER_ALARM1) = now + sweeps.period_us;
  if (!sweeps.held) part_begin();
}

int sweep_start(uint32_t period_us, const uint8_t *addresses, size_t parts, const uint8_t *registers, size_t count) {
  if (parts == 0 || parts > SWEEP_PARTS || count == 0 || count > SWEEP_REGISTERS || period_us < PART_US) return 0;
  interrupts_off();
  memcpy(sweeps.addresses, addresses, parts);
  memcpy(sweeps.registers, registers, count);
  sweeps.parts = sweeps.at = (unsigned)parts;
  sweeps.count = (unsigned)count;
  sweeps.period_us = period_us;
  REG(TIMER_ALARM1) = board_ticks_us() + 100u;
  interrupts_on();
  return 1;
}

int sweep_ready(void) { return sweeps.ready; }

int sweep_take(struct sweep *sweep, size_t *size) {
  if (!sweeps.ready) return 0;
  interrupts_off();
  *sweep = sweeps.done;
  sweeps.ready = 0;
  interrupts_on();
  *size = sweeps.parts * sweeps.count * 2;
  return 1;
}

void sweep_hold(void) {
  sweeps.held = 1;
  while (sweeps.reading) {
  }
}

void sweep_release(void) {
  interrupts_off();
  sweeps.held = 0;
  if (sweeps.at < sweeps.parts) part_begin();
  interrupts_on();
}

int i2c_xfer(unsigned bus, unsigned address, const uint8_t *out, size_t out_size, uint8_t *in, size_t in_size) {
  if (bus != 0) return transfer(I2C_BASE(1), address, out, out_size, in, in_size);
  sweep_hold();
  int failed = transfer(SWEEP_BASE, address, out, out_size, in, in_size);
  sweep_release();
  return failed;
}
