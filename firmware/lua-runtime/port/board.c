/* RP2040: start-up, clocks, UART0 as the link, GPIO, I2C. */
#include "board.h"

#include <string.h>

#include "hardware.h"
#include "rp2040.h"
#include "sampler.h"

extern uint32_t __data_load, __data_start, __data_end, __bss_start, __bss_end, __stack_top;
int main(void);
void reset_handler(void);
void link_handler(void);
void pins_handler(void);
void timer0_handler(void);
static void fault_handler(void);

__attribute__((section(".vectors"), used)) static const void *const vectors[48] = {
    [0] = &__stack_top,
    [1] = reset_handler,
    [2] = fault_handler,
    [3] = fault_handler,
    [16 + IRQ_TIMER0] = timer0_handler,
    [16 + IRQ_IO_BANK0] = pins_handler,
    [16 + IRQ_LINK] = link_handler,
};

void reset_handler(void) {
  uint32_t *from = &__data_load;
  for (uint32_t *to = &__data_start; to < &__data_end;) *to++ = *from++;
  for (uint32_t *to = &__bss_start; to < &__bss_end;) *to++ = 0;
  REG(VTOR) = (uint32_t)(uintptr_t)vectors;
  main();
  board_reset();
}

/* Outputs are gated by the external watchdog, which starves when the latch edges stop: a restart is the safe way on. */
static void fault_handler(void) { board_reset(); }

/* Everything but the oscillators restarts (2.13.3); memory keeps its content. */
void board_reset(void) {
  REG(PSM_WDSEL) = 0x1fffcu;
  SET(WATCHDOG_CTRL) = 1u << 31;
  for (;;) {
  }
}

unsigned board_reset_cause(void) {
  uint32_t reason = REG(WATCHDOG_REASON);
  return (reason & 2u) != 0 ? 2 : reason & 1u;
}

static void unreset(uint32_t bits) {
  CLR(RESETS_RESET) = bits;
  while ((REG(RESETS_DONE) & bits) != bits) {
  }
}

/* 12 MHz crystal, system PLL 12 x 64 / 6 / 1 = 128 MHz (2.18.2.1): 25 times the converter's clock, so that it has no jitter.
   Peripherals run from the system clock. */
static void clocks_init(void) {
  REG(XOSC_STARTUP) = 47;
  REG(XOSC_CTRL) = 0xfabaa0u;
  while ((REG(XOSC_STATUS) & 0x80000000u) == 0) {
  }
  REG(CLK_REF_CTRL) = 2;
  unreset(RESET_PLL_SYS);
  REG(PLL_SYS + 0x0) = 1;
  REG(PLL_SYS + 0x8) = 64;
  CLR(PLL_SYS + 0x4) = (1u << 0) | (1u << 5);
  while ((REG(PLL_SYS) & 0x80000000u) == 0) {
  }
  REG(PLL_SYS + 0xc) = (6u << 16) | (1u << 12);
  CLR(PLL_SYS + 0x4) = 1u << 3;
  REG(CLK_SYS_CTRL) = 1;
  REG(CLK_PERI_CTRL) = 1u << 11;
  /* One timer tick a microsecond. */
  REG(WATCHDOG_TICK) = 12u | (1u << 9);
}

uint32_t board_ticks_us(void) { return REG(TIMER_RAWL); }

void board_delay_us(uint32_t us) {
  uint32_t start = board_ticks_us();
  while (board_ticks_us() - start < us) {
  }
}

/* ---- link: receive ring filled by the interrupt, transmit ring drained by the main loop ---- */
#define BAUD 921600u
#define RX_SIZE 4096u
#define TX_SIZE 8192u
static uint8_t rx_ring[RX_SIZE];
static volatile uint32_t rx_head, rx_tail;
static uint8_t tx_ring[TX_SIZE];
static uint32_t tx_head, tx_tail;
volatile uint32_t link_overruns;

void link_handler(void) {
  while ((REG(UART_FR(1)) & UART_FR_RXFE) == 0) {
    uint8_t byte = (uint8_t)REG(UART_DR(1));
    if (rx_head - rx_tail < RX_SIZE) {
      rx_ring[rx_head % RX_SIZE] = byte;
      rx_head++;
    } else {
      link_overruns++;
    }
  }
  REG(UART_ICR(1)) = (1u << 4) | (1u << 6);
}

size_t link_read(uint8_t *into, size_t size) {
  size_t count = 0;
  while (count < size && rx_tail != rx_head) {
    into[count++] = rx_ring[rx_tail % RX_SIZE];
    rx_tail++;
  }
  return count;
}

static int link_pending(void) { return rx_head != rx_tail || tx_head != tx_tail || sampler_ready(); }

void timer0_handler(void) { REG(TIMER_INTR) = 1; }

void board_idle(uint32_t until_us) {
  /* The timer compares for equality: a time that has just passed would fire an hour later (4.6.3). */
  if ((int32_t)(until_us - board_ticks_us()) < 3) return;
  REG(TIMER_ALARM0) = until_us;
  /* An interrupt that is masked but pending still wakes, so nothing is lost between the test and the sleep. */
  interrupts_off();
  if (!link_pending()) __asm volatile("wfi" ::: "memory");
  interrupts_on();
}

void link_pump(void) {
  while (tx_tail != tx_head && (REG(UART_FR(1)) & UART_FR_TXFF) == 0) {
    REG(UART_DR(1)) = tx_ring[tx_tail % TX_SIZE];
    tx_tail++;
  }
}

size_t link_room(void) { return TX_SIZE - (tx_head - tx_tail); }

void link_write(const uint8_t *bytes, size_t size) {
  while (size > 0) {
    while (link_room() == 0) link_pump();
    size_t at = tx_head % TX_SIZE;
    size_t part = size < TX_SIZE - at ? size : TX_SIZE - at;
    if (part > link_room()) part = link_room();
    memcpy(tx_ring + at, bytes, part);
    tx_head += part;
    bytes += part;
    size -= part;
  }
  link_pump();
}

void debug_line(const char *text) {
  for (; text != NULL && *text != 0; text++) {
    while ((REG(UART_FR(0)) & UART_FR_TXFF) != 0) {
    }
    REG(UART_DR(0)) = (uint8_t)*text;
  }
  REG(UART_DR(0)) = '\n';
}

static void uart_init(unsigned n) {
  /* Divisor in 64ths, 4.2.7.1: 128 MHz / (16 x 921,600) = 8 + 44/64. */
  uint32_t divisor = (SYSTEM_HZ * 4u + BAUD / 2u) / BAUD;
  REG(UART_IBRD(n)) = divisor / 64u;
  REG(UART_FBRD(n)) = divisor % 64u;
  REG(UART_LCR_H(n)) = (3u << 5) | (1u << 4);
  REG(UART_IFLS(n)) = 0;
  REG(UART_CR(n)) = (1u << 0) | (1u << 8) | (1u << 9);
}

static void link_init(void) {
  REG(IO_CTRL(24)) = FUNC_UART;
  REG(IO_CTRL(25)) = FUNC_UART;
  uart_init(0);
  uart_init(1);
  /* Receive and receive time-out. */
  REG(UART_IMSC(1)) = (1u << 4) | (1u << 6);
  REG(NVIC_ISER) = 1u << IRQ_LINK;
}

/* ---- pins ---- */
void gpio_mode(unsigned pin, unsigned mode) {
  if (pin > 29) return;
  REG(IO_CTRL(pin)) = FUNC_SIO;
  /* Input enable, 4 mA, Schmitt trigger; pull-up where asked for. */
  REG(PAD(pin)) = (1u << 6) | (1u << 4) | (1u << 1) | (mode == 2 ? 1u << 3 : 0);
  if (mode == 1) REG(GPIO_OE_SET) = 1u << pin;
  else REG(GPIO_OE_CLR) = 1u << pin;
}

void gpio_write(unsigned pin, unsigned level) {
  if (level != 0) REG(GPIO_OUT_SET) = 1u << pin;
  else REG(GPIO_OUT_CLR) = 1u << pin;
}

unsigned gpio_read(unsigned pin) { return (REG(GPIO_IN) >> pin) & 1u; }

void gpio_interrupt(unsigned pin, unsigned edges) {
  unsigned shift = 4u * (pin % 8u);
  CLR(IO_INTE(pin)) = 15u << shift;
  REG(IO_INTR(pin)) = 12u << shift;
  SET(IO_INTE(pin)) = edges << shift;
}

void converter_clock(void) {
  /* Source 6 is the system clock; the divider's integer part stands above its eight bits of fraction (2.15.3.3). */
  REG(CLK_GPOUT0_DIV) = (SYSTEM_HZ / CONVERTER_CLKIN_HZ) << 8;
  REG(CLK_GPOUT0_CTRL) = (1u << 11) | (6u << 5);
  REG(IO_CTRL(PIN_CONVERTER_CLKIN)) = FUNC_CLOCK;
  REG(IO_CTRL(PIN_CONVERTER_RX)) = FUNC_SPI;
  REG(IO_CTRL(PIN_CONVERTER_CS)) = FUNC_SPI;
  REG(IO_CTRL(PIN_CONVERTER_SCK)) = FUNC_SPI;
  REG(IO_CTRL(PIN_CONVERTER_TX)) = FUNC_SPI;
  gpio_mode(PIN_CONVERTER_DRDY, 0);
}

/* ---- marker edges ---- */
#define EDGES 64u
static struct edge edges[EDGES];
static volatile uint32_t edge_head, edge_tail, edges_dropped;
static uint32_t edge_mask;

void edges_start(uint32_t mask) {
  edge_mask = mask;
  for (unsigned pin = 0; pin < 8; pin++) {
    if ((mask >> pin) & 1u) gpio_interrupt(pin, GPIO_EDGE_FALL | GPIO_EDGE_RISE);
  }
}

static void edge_capture(unsigned pin) {
  if (edge_head - edge_tail == EDGES) {
    edges_dropped++;
    return;
  }
  struct edge *edge = &edges[edge_head % EDGES];
  edge->tick_us = board_ticks_us();
  edge->pin = (uint8_t)pin;
  edge->level = (uint8_t)gpio_read(pin);
  edge->index = sampler_index();
  edge_head++;
}

int edges_take(struct edge *edge) {
  if (edge_head == edge_tail) return 0;
  *edge = edges[edge_tail % EDGES];
  edge_tail++;
  return 1;
}

uint32_t edges_lost(void) { return edges_dropped; }

void pins_handler(void) {
  uint32_t converter = REG(IO_INTS(PIN_CONVERTER_DRDY)) & (15u << (4u * (PIN_CONVERTER_DRDY % 8u)));
  if (converter != 0) {
    REG(IO_INTR(PIN_CONVERTER_DRDY)) = converter;
    sampler_edge();
  }
  /* All markers stand in the first register. */
  uint32_t markers = REG(IO_INTS(0));
  if (markers == 0) return;
  REG(IO_INTR(0)) = markers;
  for (unsigned pin = 0; pin < 8; pin++) {
    if (((markers >> (4u * pin)) & 15u) != 0) edge_capture(pin);
  }
}

/* ---- I2C: DesignWare master, 4.3 ---- */
#define I2C_TIMEOUT_US 20000u

static void i2c_init(unsigned bus, unsigned sda, uint32_t hertz) {
  uint32_t base = I2C_BASE(bus);
  for (unsigned pin = sda; pin < sda + 2; pin++) {
    REG(IO_CTRL(pin)) = FUNC_I2C;
    REG(PAD(pin)) = (1u << 6) | (1u << 3) | (1u << 1);
  }
  uint32_t period = SYSTEM_HZ / hertz;
  REG(base + 0x6c) = 0;
  /* Master, fast mode, restart enabled, slave disabled. */
  REG(base + 0x00) = (1u << 0) | (2u << 1) | (1u << 5) | (1u << 6) | (1u << 8);
  REG(base + 0x1c) = period - period * 3 / 5;
  REG(base + 0x20) = period * 3 / 5;
  REG(base + 0xa0) = 8;
}

/* Waits for the stop condition, so that the next transfer does not take it for its own. */
static int i2c_abort(uint32_t base) {
  uint32_t start = board_ticks_us();
  while ((REG(base + 0x34) & (1u << 9)) == 0 && board_ticks_us() - start < 200) {
  }
  (void)REG(base + 0x40);
  REG(base + 0x6c) = 0;
  return -1;
}

int i2c_xfer(unsigned bus, unsigned address, const uint8_t *out, size_t out_size, uint8_t *in, size_t in_size) {
  uint32_t base = I2C_BASE(bus & 1u);
  uint32_t start = board_ticks_us();
  size_t total = out_size + in_size;
  size_t received = 0;
  REG(base + 0x6c) = 0;
  (void)REG(base + 0x40);
  REG(base + 0x04) = address;
  REG(base + 0x6c) = 1;
  for (size_t i = 0; i < total; i++) {
    uint32_t command = i < out_size ? out[i] : 1u << 8;
    if (i == out_size && out_size > 0) command |= 1u << 10;
    if (i + 1 == total) command |= 1u << 9;
    while ((REG(base + 0x70) & (1u << 1)) == 0) {
      if ((REG(base + 0x34) & (1u << 6)) != 0 || board_ticks_us() - start > I2C_TIMEOUT_US) return i2c_abort(base);
    }
    REG(base + 0x10) = command;
    while (received < in_size && REG(base + 0x78) != 0) in[received++] = (uint8_t)REG(base + 0x10);
  }
  /* Stop detected ends the transfer; an abort ends it too. */
  while ((REG(base + 0x34) & (1u << 9)) == 0 || received < in_size) {
    if ((REG(base + 0x34) & (1u << 6)) != 0 || board_ticks_us() - start > I2C_TIMEOUT_US) return i2c_abort(base);
    while (received < in_size && REG(base + 0x78) != 0) in[received++] = (uint8_t)REG(base + 0x10);
  }
  int aborted = (REG(base + 0x34) & (1u << 6)) != 0;
  (void)REG(base + 0x60);
  return aborted ? i2c_abort(base) : 0;
}

void board_init(void) {
  clocks_init();
  unreset(RESET_IO_BANK0 | RESET_PADS_BANK0 | RESET_TIMER | RESET_UART0 | RESET_UART1 | RESET_DMA | RESET_SPI1 | RESET_I2C0 | RESET_I2C1);
  link_init();
  REG(NVIC_ISER) = 1u << IRQ_IO_BANK0;
  REG(TIMER_INTE) = 1;
  REG(NVIC_ISER) = 1u << IRQ_TIMER0;
  i2c_init(0, 8, 400000);
  i2c_init(1, 10, 100000);
}
