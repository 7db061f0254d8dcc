/* DesignWare I2C masters (RP2040 data sheet, 4.3). Bus 0 is shared by transfers and the sweep: a transfer waits for the
   part that is being read, and the sweep goes on where it was. A bus that a part holds is freed by clocks (UM10204, 3.1.16);
   one that stays held costs each caller some 100 us, and nobody waits for it. */
#include "i2c.h"

#include <string.h>

#include "board.h"
#include "hardware.h"
#include "rp2040.h"

/* A transfer whose queues did not move for so long is given up: ten bytes at 100 kHz. */
#define STALL_US 1000u
/* Half a period of the clocks that free a bus. */
#define HALF_US 5u
/* The longest that reading one part may take; a part that holds the clock is given up then. */
#define PART_US 2000u

static struct {
  uint8_t addresses[SWEEP_PARTS], registers[SWEEP_REGISTERS];
  uint32_t period_us, part_us, next_us;
  unsigned parts, count;
  /* Part that is being read; `parts` between two sweeps. */
  volatile unsigned at;
  volatile int reading, held;
  struct sweep now, done;
  volatile int ready;
} sweeps;

struct i2c_counts i2c_counts;

/* Pin of SDA; that of SCL is the next one. */
static unsigned sda_of(unsigned bus) { return bus == MONITOR_BUS ? PIN_MONITOR_SDA : PIN_PANEL_SDA; }
static uint32_t reset_of(unsigned bus) { return bus == 0 ? RESET_I2C0 : RESET_I2C1; }

static void bus_init(unsigned bus) {
  uint32_t base = I2C_BASE(bus);
  uint32_t hertz = bus == MONITOR_BUS ? MONITOR_BUS_HZ : PANEL_BUS_HZ;
  unsigned sda = sda_of(bus);
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
  bus_init(MONITOR_BUS);
  bus_init(PANEL_BUS);
}

/* ---- recovery ---- */
static int bus_free(unsigned bus) { return ((REG(GPIO_IN) >> sda_of(bus)) & 3u) == 3u; }

static void line(unsigned pin, int high) {
  if (high) REG(GPIO_OE_CLR) = 1u << pin;
  else REG(GPIO_OE_SET) = 1u << pin;
  board_delay_us(HALF_US);
}

/* Clocks until the part lets go of SDA, nine at most, then a stop condition. The master has lost its place: it starts anew.
   0 when the bus stays held: a line is shorted, or a part holds the clock. */
static int recover(unsigned bus) {
  unsigned sda = sda_of(bus), scl = sda + 1;
  REG(GPIO_OE_CLR) = 3u << sda;
  REG(GPIO_OUT_CLR) = 3u << sda;
  REG(IO_CTRL(sda)) = FUNC_SIO;
  REG(IO_CTRL(scl)) = FUNC_SIO;
  for (int n = 0; n < 9 && gpio_read(scl) != 0 && gpio_read(sda) == 0; n++) {
    line(scl, 0);
    line(scl, 1);
  }
  line(scl, 0);
  line(sda, 0);
  line(scl, 1);
  line(sda, 1);
  SET(RESETS_RESET) = reset_of(bus);
  CLR(RESETS_RESET) = reset_of(bus);
  while ((REG(RESETS_DONE) & reset_of(bus)) == 0) continue;
  bus_init(bus);
  int freed = bus_free(bus);
  if (freed) i2c_counts.recovered++;
  else i2c_counts.stuck++;
  return freed;
}

/* Waits for the stop condition, so that the next transfer does not take it for its own. */
static int abort_transfer(uint32_t base) {
  uint32_t start = board_ticks_us();
  while ((REG(base + I2C_RAW) & I2C_STOPPED) == 0 && board_ticks_us() - start < 200) continue;
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

/* Both queues, to see whether a transfer moves. */
static uint32_t moved(uint32_t base) { return REG(base + I2C_TXFLR) | (REG(base + I2C_RXFLR) << 16); }

static int transfer(unsigned bus, unsigned address, const uint8_t *out, size_t out_size, uint8_t *in, size_t in_size) {
  uint32_t base = I2C_BASE(bus);
  size_t total = out_size + in_size;
  size_t sent = 0, received = 0;
  if (!bus_free(bus) && !recover(bus)) return -1;
  begin(base, address);
  uint32_t start = board_ticks_us(), last = 0;
  /* Stop detected ends the transfer; an abort ends it too. */
  while (sent < total || received < in_size || (REG(base + I2C_RAW) & I2C_STOPPED) == 0) {
    if ((REG(base + I2C_RAW) & I2C_ABORTED) != 0) return abort_transfer(base);
    uint32_t now = board_ticks_us(), queues = moved(base) + ((uint32_t)sent << 8);
    if (queues != last) {
      last = queues;
      start = now;
    } else if (now - start > STALL_US) {
      recover(bus);
      return -1;
    }
    if (sent < total && (REG(base + I2C_STATUS) & (1u << 1)) != 0) {
      uint32_t command = sent < out_size ? out[sent] : I2C_READ;
      if (sent == out_size && out_size > 0) command |= I2C_RESTART;
      if (sent + 1 == total) command |= I2C_STOP;
      REG(base + I2C_DATA_CMD) = command;
      sent++;
    }
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

static void sweep_end(void) {
  sweep_count++;
  sweeps.done = sweeps.now;
  sweeps.ready = 1;
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
  sweep_end();
}

/* The bus is held: after this the sweep has ended, or may go on. */
static int sweep_freed(void) {
  if (bus_free(MONITOR_BUS) || recover(MONITOR_BUS)) return 1;
  while (sweeps.at < sweeps.parts) sweeps.now.missing |= 1u << sweeps.at++;
  sweep_end();
  return 0;
}

void i2c0_handler(void) {
  int aborted = (REG(SWEEP_BASE + I2C_RAW) & I2C_ABORTED) != 0;
  (void)REG(SWEEP_BASE + I2C_CLR_INTR);
  if (sweeps.reading) part_end(!aborted);
}

/* A new sweep when it is time; while one runs it is looked at each PART_US, and a part that holds the bus is given up. */
void sweep_timer_handler(void) {
  REG(TIMER_INTR) = 2;
  if (sweeps.parts == 0) return;
  uint32_t now = board_ticks_us();
  if (sweeps.at < sweeps.parts) {
    if (sweeps.reading && now - sweeps.part_us >= PART_US) {
      REG(SWEEP_BASE + I2C_MASK) = 0;
      sweeps.reading = 0;
      sweeps.now.missing |= 1u << sweeps.at++;
      recover(MONITOR_BUS);
      if (sweeps.at == sweeps.parts) sweep_end();
      else if (!sweeps.held && sweep_freed()) part_begin();
    }
  } else if ((int32_t)(now - sweeps.next_us) >= 0) {
    sweeps.at = 0;
    sweeps.now.missing = 0;
    sweeps.now.tick_us = now;
    sweeps.next_us = now + sweeps.period_us;
    if (!sweeps.held && sweep_freed()) part_begin();
  }
  uint32_t next = sweeps.next_us;
  if (sweeps.at < sweeps.parts && (int32_t)(next - now) > (int32_t)PART_US) next = now + PART_US;
  now = board_ticks_us();
  /* The timer compares for equality: a time that has passed would fire an hour later. */
  REG(TIMER_ALARM1) = (int32_t)(next - now) < 20 ? now + 20u : next;
}

int sweep_start(uint32_t period_us, const uint8_t *addresses, size_t parts, const uint8_t *registers, size_t count) {
  if (parts == 0 || parts > SWEEP_PARTS || count == 0 || count > SWEEP_REGISTERS || period_us < PART_US) return 0;
  interrupts_off();
  memcpy(sweeps.addresses, addresses, parts);
  memcpy(sweeps.registers, registers, count);
  sweeps.parts = sweeps.at = (unsigned)parts;
  sweeps.count = (unsigned)count;
  sweeps.period_us = period_us;
  sweeps.next_us = board_ticks_us() + 100u;
  REG(TIMER_ALARM1) = sweeps.next_us;
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
  while (sweeps.reading) continue;
}

void sweep_release(void) {
  interrupts_off();
  sweeps.held = 0;
  if (sweeps.at < sweeps.parts && sweep_freed()) part_begin();
  interrupts_on();
}

int i2c_xfer(unsigned bus, unsigned address, const uint8_t *out, size_t out_size, uint8_t *in, size_t in_size) {
  if (bus == 0) sweep_hold();
  int failed = transfer(bus == 0 ? 0 : 1, address, out, out_size, in, in_size);
  if (bus == 0) sweep_release();
  if (failed) i2c_counts.failed++;
  return failed;
}
