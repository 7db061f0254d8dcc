/* Start-up, sleep and restarts of the Cortex-M boards that run the floor bundle. */
#include "cortexm.h"

#include "board.h"
#include "hal.h"
#include "link.h"
#include "safety.h"
#include "slots.h"
#include "uart.h"
#include MACHINE

#define AIRCR 0xe000ed0cu
#define KEPT 0x6b657074u

extern uint32_t __data_load, __data_start, __data_end, __bss_start, __bss_end, __stack_top;
int main(void);
void reset_handler(void);

/* Survives restarts: whether it does, age of the last feed, and a restart that was asked for. */
__attribute__((section(".noinit"))) static volatile struct {
  uint32_t magic, fed_us, since_feed_us, asked;
} kept;
static unsigned reset_cause;

static void fault_handler(void) { board_reset(); }

#define VECTORS (16u + WAKE_IRQ + 1u > 16u + LINK_IRQ + 1u ? 16u + WAKE_IRQ + 1u : 16u + LINK_IRQ + 1u)
__attribute__((section(".vectors"), used)) static const void *const vectors[VECTORS] = {
    [0] = &__stack_top,    [1] = reset_handler,  [2] = fault_handler,
    [3] = fault_handler,   [4] = fault_handler,  [5] = fault_handler,
    [6] = fault_handler,   [15] = wake_handler,  [16 + WAKE_IRQ] = wake_handler,
    [16 + LINK_IRQ] = link_handler,
};

void reset_handler(void) {
  uint32_t *from = &__data_load;
  for (uint32_t *to = &__data_start; to < &__data_end;) *to++ = *from++;
  for (uint32_t *to = &__bss_start; to < &__bss_end;) *to++ = 0;
  main();
  board_reset();
}

void board_reset(void) {
  kept.asked = KEPT;
  __asm volatile("dsb" ::: "memory");
  REG(AIRCR) = 0x05fa0004u;
  for (;;) {
  }
}

/* How often a loop turns in 100 us: on a machine whose memory is clear at power-on the jitter of this is all that makes
   one start different from another. */
static uint32_t jitter(void) {
  uint32_t mix = 0;
  for (unsigned n = 0; n < 8; n++) {
    uint32_t start = board_ticks_us();
    while (board_ticks_us() - start < 100u) mix++;
    mix *= 0x9e3779b1u;
    mix ^= mix >> 15;
  }
  return mix;
}

/* The machines' own records of the cause are not in their emulators: it is told from what memory has kept. */
void restart_init(void) {
  if (kept.magic != KEPT) {
    starts ^= jitter();
    reset_cause = 0;
  } else if (kept.asked == KEPT) {
    reset_cause = 2;
  } else {
    reset_cause = kept.since_feed_us > WATCHDOG_MS * 500u ? 1 : 3;
  }
  kept.magic = KEPT;
  kept.fed_us = board_ticks_us();
  kept.asked = 0;
  kept.since_feed_us = 0;
}

unsigned board_reset_cause(void) { return reset_cause; }

void wake_handler(void) {
  WAKE_CLEAR
  kept.since_feed_us = board_ticks_us() - kept.fed_us;
}

void board_delay_us(uint32_t us) {
  uint32_t start = board_ticks_us();
  while (board_ticks_us() - start < us) {
  }
}

int board_work(void) { return 0; }

void board_idle(uint32_t until_us) {
  while ((int32_t)(until_us - board_ticks_us()) > 0) {
    interrupts_off();
    int waits = link_pending();
    /* An interrupt that is masked but pending still wakes, so nothing is lost between the test and the sleep. */
    if (!waits) __asm volatile("wfi" ::: "memory");
    interrupts_on();
    if (waits) return;
  }
}

/* ---- the link's only carrier ---- */
void carrier_kick(enum carrier carrier) {
  (void)carrier;
  uart_kick();
}
void carrier_resume(void) {}

void link_init(void) {
  uart_init();
  interrupt_on(LINK_IRQ);
}

/* ---- watchdog: fed by the firmware's tick alone ---- */
void safety_start(void) {
  safety_ticked();
  watchdog_start();
}

void safety_ticked(void) {
  kept.fed_us = board_ticks_us();
  kept.since_feed_us = 0;
  watchdog_feed();
}

void board_feed(void) { watchdog_feed(); }

/* These boards have nothing beside what every board has, and no bundle but the image's own. */
const luaL_Reg *const hal_tables[] = {NULL};
extern const char bundle_start[], bundle_end[];
const uint8_t *slots_choose(size_t *size, int own_only) {
  (void)own_only;
  *size = (size_t)(bundle_end - bundle_start);
  return (const uint8_t *)bundle_start;
}
unsigned slots_running(int32_t *left_ms) {
  *left_ms = -1;
  return 0;
}
int slots_overdue(void) { return 0; }
void board_exchanged(void) {}
