/* LM3S6965: clock, pins, I2C, watchdog. */
#include "lm3s6965.h"

#include "board.h"
#include "i2c.h"

const char *board_serial(void) { return "LM3S6965-IMAGE"; }

/* The chip's timers cannot be read in every emulator: SysTick runs free over 24 bits, a third of a second, and its steps are
   summed. The main loop asks far more often. */
uint32_t board_ticks_us(void) {
  static uint32_t last, part, us;
  uint32_t masked;
  __asm volatile("mrs %0, primask" : "=r"(masked));
  interrupts_off();
  uint32_t now = SYST_CVR;
  part += (last - now) & 0xffffffu;
  last = now;
  us += part / (SYSTEM_HZ / 1000000u);
  part %= SYSTEM_HZ / 1000000u;
  uint32_t result = us;
  if ((masked & 1u) == 0) interrupts_on();
  return result;
}

void i2c_init(void) {
  /* Pins B2 and B3; 100 kHz: 50 MHz / (2 x 10 x 25). */
  REG(0x40005420u) |= 12u;
  REG(0x4000550cu) |= 12u;
  REG(0x4000551cu) |= 12u;
  REG(I2C0 + 0x20u) = 0x10u;
  REG(I2C0 + 0x0cu) = 24;
}

void board_init(void) {
  /* 8 MHz crystal, PLL of 200 MHz over 4; past the PLL until it has settled. */
  REG(SYSCTL + 0x60u) = (3u << 23) | (1u << 22) | (1u << 11) | (0xeu << 6) | 1u << 1;
  for (unsigned n = 0; n < 100000 && (REG(SYSCTL + 0x50u) & (1u << 6)) == 0; n++) {
  }
  REG(SYSCTL + 0x60u) = (3u << 23) | (1u << 22) | (0xeu << 6) | 1u << 1;
  /* Clocks of watchdog, UARTs, I2C 0, timer 0, and ports A to D. */
  REG(SYSCTL + 0x100u) |= 1u << 3;
  REG(SYSCTL + 0x104u) |= (1u << 16) | (1u << 12) | 3u;
  REG(SYSCTL + 0x108u) |= 15u;
  SYST_RVR = 0xffffffu;
  SYST_CVR = 0;
  SYST_CSR = 5;
  /* UART 0 on A0 and A1, UART 1 on D2 and D3 only where no channel has them. */
  REG(0x40004420u) |= 3u;
  REG(0x4000451cu) |= 3u;
  /* Timer 0: 32 bits, periodic. */
  REG(TIMER0 + 0x00u) = 0;
  REG(TIMER0 + 0x04u) = 2;
  REG(TIMER0 + 0x28u) = SYSTEM_HZ / 1000u - 1u;
  REG(TIMER0 + 0x18u) = 1;
  REG(TIMER0 + 0x0cu) = 1;
  restart_init();
  i2c_init();
  interrupt_on(WAKE_IRQ);
}

/* ---- pins: port in the high, bit in the low four bits; the address selects the bits of an access ---- */
static const uint8_t pins[] = {MACHINE_PINS};

static uint32_t port_of(unsigned pin) { return 0x40004000u + 0x1000u * (pins[pin] >> 3); }
static uint32_t bit_of(unsigned pin) { return 1u << (pins[pin] & 7u); }

void gpio_mode(unsigned pin, unsigned mode) {
  if (pin >= sizeof pins) return;
  uint32_t port = port_of(pin), bit = bit_of(pin);
  REG(port + 0x51cu) |= bit;
  if (mode == 2) REG(port + 0x510u) |= bit;
  if (mode == 1) REG(port + 0x400u) |= bit;
  else REG(port + 0x400u) &= ~bit;
}

void gpio_write(unsigned pin, unsigned level) {
  if (pin < sizeof pins) REG(port_of(pin) + (bit_of(pin) << 2)) = level != 0 ? 0xffu : 0;
}

unsigned gpio_read(unsigned pin) {
  return pin < sizeof pins && REG(port_of(pin) + (bit_of(pin) << 2)) != 0 ? 1 : 0;
}

/* ---- I2C: a byte, then status ---- */
#define RUN 1u
#define START 2u
#define STOP 4u
#define ACK 8u
#define BUSY 1u
#define FAILED 2u
#define BYTE_TIMEOUT_US 2000u

static int step(uint32_t what) {
  REG(I2C0 + 0x04u) = what;
  uint32_t start = board_ticks_us();
  while (board_ticks_us() - start < BYTE_TIMEOUT_US) {
    uint32_t status = REG(I2C0 + 0x04u);
    if ((status & BUSY) == 0) return (status & FAILED) == 0;
  }
  return 0;
}

/* One direction, from start to stop. */
static int run(unsigned address, uint32_t reading, const uint8_t *out, uint8_t *in, size_t size) {
  REG(I2C0 + 0x00u) = address << 1 | reading;
  for (size_t i = 0; i < size; i++) {
    if (!reading) REG(I2C0 + 0x08u) = out[i];
    uint32_t last = i + 1 == size;
    if (!step(RUN | (i == 0 ? START : 0) | (last ? STOP : 0) | (reading && !last ? ACK : 0))) {
      REG(I2C0 + 0x04u) = STOP;
      return 0;
    }
    if (reading) in[i] = (uint8_t)REG(I2C0 + 0x08u);
  }
  return 1;
}

/* The machine's emulator knows no repeated start, so a stop stands between writing and reading: the parts of this board
   keep their pointer over it. */
int i2c_xfer(unsigned bus, unsigned address, const uint8_t *out, size_t out_size, uint8_t *in, size_t in_size) {
  if (bus != MONITOR_BUS) return -1;
  if (out_size > 0 && !run(address, 0, out, NULL, out_size)) return -1;
  return in_size == 0 || run(address, 1, NULL, in, in_size) ? 0 : -1;
}

/* ---- watchdog: the first expiry is an interrupt, the second a reset, so each is half of the time ---- */
void watchdog_feed(void) {
  REG(WDT + 0xc00u) = 0x1acce551u;
  REG(WDT + 0x00u) = SYSTEM_HZ / 1000u * (WATCHDOG_MS / 2u);
  REG(WDT + 0x0cu) = 0;
  REG(WDT + 0xc00u) = 0;
}

void watchdog_start(void) {
  watchdog_feed();
  REG(WDT + 0xc00u) = 0x1acce551u;
  REG(WDT + 0x08u) = 3;
  REG(WDT + 0xc00u) = 0;
}
