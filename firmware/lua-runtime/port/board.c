/* RP2040: start-up, clocks, pins, marker edges. */
#include "board.h"

#include "flash.h"
#include "hal.h"
#include "hardware.h"
#include "i2c.h"
#include "link.h"
#include "rp2040.h"
#include "sampler.h"
#include "trip.h"
#include "uart.h"

extern uint32_t __data_load, __data_start, __data_end, __bss_start, __bss_end, __stack_top;
int main(void);
void reset_handler(void);
void pins_handler(void);
void timer0_handler(void);
void sweep_timer_handler(void);
void i2c0_handler(void);
void usb_handler(void);
static void fault_handler(void);

__attribute__((section(".vectors"), used)) static const void *const vectors[48] = {
    [0] = &__stack_top,
    [1] = reset_handler,
    [2] = fault_handler,
    [3] = fault_handler,
    [16 + IRQ_TIMER0] = timer0_handler,
    [16 + IRQ_TIMER1] = sweep_timer_handler,
    [16 + IRQ_USB] = usb_handler,
    [16 + IRQ_I2C0] = i2c0_handler,
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
  while ((REG(RESETS_DONE) & bits) != bits) continue;
}

/* Reference 12 MHz, feedback divider, post dividers (2.18). */
static void pll_init(uint32_t pll, uint32_t feedback, uint32_t dividers) {
  REG(pll) = 1;
  REG(pll + 0x8) = feedback;
  CLR(pll + 0x4) = (1u << 0) | (1u << 5);
  while ((REG(pll) & 0x80000000u) == 0) continue;
  REG(pll + 0xc) = dividers;
  CLR(pll + 0x4) = 1u << 3;
}

/* 12 MHz crystal, system PLL 12 x 64 / 6 / 1 = 128 MHz (2.18.2.1): 25 times the converter's clock, so that it has no jitter.
   Peripherals run from the system clock, USB from its own PLL: 12 x 100 / 5 / 5 = 48 MHz. */
static void clocks_init(void) {
  REG(XOSC_STARTUP) = 47;
  REG(XOSC_CTRL) = 0xfabaa0u;
  while ((REG(XOSC_STATUS) & 0x80000000u) == 0) continue;
  REG(CLK_REF_CTRL) = 2;
  unreset(RESET_PLL_SYS | RESET_PLL_USB);
  pll_init(PLL_SYS, 64, (6u << 16) | (1u << 12));
  REG(CLK_SYS_CTRL) = 1;
  REG(CLK_PERI_CTRL) = 1u << 11;
  pll_init(PLL_USB, 100, (5u << 16) | (5u << 12));
  REG(CLK_USB_DIV) = 1u << 8;
  REG(CLK_USB_CTRL) = 1u << 11;
  /* One timer tick a microsecond. */
  REG(WATCHDOG_TICK) = 12u | (1u << 9);
}

/* The flash chip's own number, as sixteen digits. */
static char serial[17];
const char *board_serial(void) { return serial; }
static void serial_read(void) {
  uint8_t id[8];
  flash_unique_id(id);
  for (unsigned i = 0; i < 16; i++) serial[i] = "0123456789ABCDEF"[(id[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15];
}

uint32_t board_ticks_us(void) { return REG(TIMER_RAWL); }

void board_delay_us(uint32_t us) {
  uint32_t start = board_ticks_us();
  while (board_ticks_us() - start < us) continue;
}

static volatile int alarm_rang;
void timer0_handler(void) {
  REG(TIMER_INTR) = 1;
  alarm_rang = 1;
}

/* A sweep is taken together with a block that is about to be full: each call of Lua costs more than what is in it. */
int board_work(void) { return sampler_ready() || trip_ready() || (sweep_ready() && !sampler_soon()); }

static int work_waits(void) { return alarm_rang || link_pending() || board_work(); }

void board_idle(uint32_t until_us) {
  /* Whoever took a block has returned. */
  sampler_release();
  alarm_rang = 0;
  REG(TIMER_ALARM0) = until_us;
  /* The timer compares for equality: a time that has passed before it was armed would fire an hour later (4.6.3). */
  if ((int32_t)(until_us - board_ticks_us()) < 1) return;
  /* Most interrupts are rows of the converter, which mean nothing to Lua. An interrupt that is masked but pending still
     wakes, so nothing is lost between the test and the sleep. */
  while (!work_waits()) {
    interrupts_off();
    if (!work_waits()) __asm volatile("wfi" ::: "memory");
    interrupts_on();
  }
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

void converter_clock(int on) {
  if (!on) {
    REG(CLK_GPOUT0_CTRL) = 0;
    return;
  }
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
  /* The converter's and the alert pin stand in one register. */
  _Static_assert(PIN_CONVERTER_DRDY / 8u == PIN_ALERT / 8u, "pins of one interrupt register");
  uint32_t high = REG(IO_INTS(PIN_CONVERTER_DRDY));
  if (high != 0) {
    REG(IO_INTR(PIN_CONVERTER_DRDY)) = high;
    if ((high & (15u << (4u * (PIN_CONVERTER_DRDY % 8u)))) != 0) sampler_edge();
    if ((high & (15u << (4u * (PIN_ALERT % 8u)))) != 0) trip_alert();
  }
  /* All markers stand in the first register. */
  uint32_t markers = REG(IO_INTS(0));
  if (markers == 0) return;
  REG(IO_INTR(0)) = markers;
  for (unsigned pin = 0; pin < 8; pin++) {
    if (((markers >> (4u * pin)) & 15u) != 0) edge_capture(pin);
  }
}

void board_exchanged(void) { sampler_stop(); }

void board_init(void) {
  clocks_init();
  unreset(RESET_IO_BANK0 | RESET_PADS_BANK0 | RESET_TIMER | RESET_UART0 | RESET_UART1 | RESET_DMA |
          RESET_SPI1 | RESET_I2C0 | RESET_I2C1 |
          RESET_USB);
  REG(NVIC_ISER) = 1u << IRQ_IO_BANK0;
  REG(TIMER_INTE) = 3;
  REG(NVIC_ISER) = (1u << IRQ_TIMER0) | (1u << IRQ_TIMER1) | (1u << IRQ_I2C0);
  serial_read();
  i2c_init();
  /* After a reset the chain still holds what it held before: off, long before Lua has started. */
  static const uint8_t off[CHAIN_BYTES];
  gpio_mode(PIN_CHAIN_DATA, 1);
  gpio_mode(PIN_CHAIN_CLOCK, 1);
  gpio_mode(PIN_CHAIN_LATCH, 1);
  chain_write(off);
  gpio_mode(PIN_ALERT, 2);
  gpio_interrupt(PIN_ALERT, GPIO_EDGE_FALL);
}

const luaL_Reg *const hal_tables[] = {hal_sampling, hal_flash, NULL};
