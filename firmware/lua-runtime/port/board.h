/* The board as the Lua bindings see it. Times are microseconds, lengths bytes. */
#ifndef MLTB_BOARD_H
#define MLTB_BOARD_H
#include <stddef.h>
#include <stdint.h>

void board_init(void);
const char *board_serial(void);
uint32_t board_ticks_us(void);
void board_delay_us(uint32_t us);
/* Sleeps until the time, or earlier when bytes arrive. */
void board_idle(uint32_t until_us);
/* Feeds the watchdog once, before something that is known to take long. */
void board_feed(void);
/* Lua has something to do beside bytes and due times. */
int board_work(void);
/* Ends what the bundle before has started and the next one does not know of. */
void board_exchanged(void);
/* Restarts the chip; does not return. */
_Noreturn void board_reset(void);
/* 0 power-on, 1 watchdog, 2 software. */
unsigned board_reset_cause(void);
/* A line for a person with a probe on UART0's transmitter; no pin carries it in normal use. */
void debug_line(const char *text);

static inline void interrupts_off(void) { __asm volatile("cpsid i" ::: "memory"); }
static inline void interrupts_on(void) { __asm volatile("cpsie i" ::: "memory"); }

/* Puts the converter's clock on its pin and gives its SPI pins to the SPI block, or ends the clock. */
void converter_clock(int on);

#define GPIO_EDGE_FALL 4u
#define GPIO_EDGE_RISE 8u
/* Interrupt of a pin on these edges; 0 ends it. */
void gpio_interrupt(unsigned pin, unsigned edges);

/* An edge of a marker: pin, level, time and index of the sample row that holds it. */
struct edge {
  uint8_t pin;
  uint8_t level;
  uint32_t tick_us;
  uint32_t index;
};
/* Captures both edges of the pins in the mask. */
void edges_start(uint32_t mask);
/* Oldest captured edge; 0 when there is none. */
int edges_take(struct edge *edge);
/* Edges that came while the queue was full, since start. */
uint32_t edges_lost(void);

void gpio_mode(unsigned pin, unsigned mode);
void gpio_write(unsigned pin, unsigned level);
unsigned gpio_read(unsigned pin);

#endif
