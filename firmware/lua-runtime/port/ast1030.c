/* AST1030: clock, pins, I2C, watchdog. */
#include "ast1030.h"

#include "board.h"
#include "i2c.h"

/* ---- clock: timer 1 counts down at 1 MHz, SysTick wakes ---- */
uint32_t board_ticks_us(void) { return ~REG(TIMER_BASE); }

const char *board_serial(void) { return "AST1030-IMAGE"; }

void i2c_init(void) {
  /* Master mode on the monitors' bus, 100 kHz class timing. Status bits exist only where their interrupt is enabled, so all
     of them are, while the NVIC keeps the interrupt out. */
  REG(I2C_BASE(MONITOR_BUS) + 0x00u) = 1;
  REG(I2C_BASE(MONITOR_BUS) + 0x04u) = 0x77777355u;
  REG(I2C_BASE(MONITOR_BUS) + 0x08u) = 0;
  REG(I2C_BASE(MONITOR_BUS) + 0x0cu) = 0xffu;
}

void board_init(void) {
  REG(TIMER_BASE + 0x04u) = 0xffffffffu;
  /* Enable, 1 MHz clock. */
  REG(TIMER_BASE + 0x30u) = 3;
  SYST_RVR = SYSTEM_HZ / 1000u - 1u;
  SYST_CVR = 0;
  SYST_CSR = 7;
  restart_init();
  i2c_init();
}

/* ---- pins: four ports of eight a register, data and direction; the boards' pins are ports A to D ---- */
static const uint8_t pins[] = {MACHINE_PINS};
static uint32_t levels;

void gpio_mode(unsigned pin, unsigned mode) {
  if (pin >= sizeof pins) return;
  uint32_t bit = 1u << pins[pin];
  if (mode == 1) REG(GPIO_BASE + 4u) |= bit;
  else REG(GPIO_BASE + 4u) &= ~bit;
}

void gpio_write(unsigned pin, unsigned level) {
  if (pin >= sizeof pins) return;
  uint32_t bit = 1u << pins[pin];
  levels = level != 0 ? levels | bit : levels & ~bit;
  REG(GPIO_BASE) = levels;
}

unsigned gpio_read(unsigned pin) { return pin < sizeof pins ? (REG(GPIO_BASE) >> pins[pin]) & 1u : 0; }

/* ---- I2C by bytes: command, then status ---- */
#define CMD_START 1u
#define CMD_TX 2u
#define CMD_RX 8u
#define CMD_RX_LAST 16u
#define CMD_STOP 32u
#define STS_ACK 1u
#define STS_NAK 2u
#define STS_RX 4u
#define STS_LOST 8u
#define STS_STOP 16u
#define STS_ABNORMAL 32u
#define BYTE_TIMEOUT_US 2000u

static int command(uint32_t base, uint32_t what, uint32_t wanted) {
  REG(base + 0x10u) = 0xffffffffu;
  REG(base + 0x14u) = what;
  uint32_t start = board_ticks_us();
  while (board_ticks_us() - start < BYTE_TIMEOUT_US) {
    uint32_t status = REG(base + 0x10u);
    if ((status & (STS_NAK | STS_LOST | STS_ABNORMAL)) != 0) return 0;
    if ((status & wanted) == wanted) return 1;
  }
  return 0;
}

static int send(uint32_t base, unsigned byte, uint32_t start) {
  REG(base + 0x20u) = byte;
  return command(base, CMD_TX | start, STS_ACK);
}

int i2c_xfer(unsigned bus, unsigned address, const uint8_t *out, size_t out_size, uint8_t *in, size_t in_size) {
  if (bus != MONITOR_BUS) return -1;
  uint32_t base = I2C_BASE(bus);
  int good = 1;
  if (out_size > 0 || in_size == 0) good = send(base, address << 1, CMD_START);
  for (size_t i = 0; good && i < out_size; i++) good = send(base, out[i], 0);
  if (good && in_size > 0) good = send(base, address << 1 | 1u, CMD_START);
  for (size_t i = 0; good && i < in_size; i++) {
    good = command(base, i + 1 == in_size ? CMD_RX | CMD_RX_LAST : CMD_RX, STS_RX);
    in[i] = (uint8_t)(REG(base + 0x20u) >> 8);
  }
  /* A stop also after a failure: it frees the bus. */
  int stopped = command(base, CMD_STOP, STS_STOP);
  return good && stopped ? 0 : -1;
}

/* ---- watchdog: 1 MHz, resets the system ---- */
void watchdog_feed(void) { REG(WDT_BASE + 0x08u) = 0x4755u; }

void watchdog_start(void) {
  REG(WDT_BASE + 0x04u) = WATCHDOG_MS * 1000u;
  watchdog_feed();
  REG(WDT_BASE + 0x0cu) = (1u << 4) | (1u << 1) | 1u;
}
