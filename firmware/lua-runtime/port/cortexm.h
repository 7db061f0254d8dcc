/* What a board of the floor bundle gives to the start-up that all Cortex-M boards share. */
#ifndef MLTB_CORTEXM_H
#define MLTB_CORTEXM_H
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define NVIC_ISER(n) REG(0xe000e100u + 4u * ((n) / 32u))
#define SYST_CSR REG(0xe000e010u)
#define SYST_RVR REG(0xe000e014u)
#define SYST_CVR REG(0xe000e018u)

/* Without a feed for this long the board restarts, and its outputs go to what they are at start. */
#define WATCHDOG_MS 300u

static inline void interrupt_on(unsigned irq) { NVIC_ISER(irq) = 1u << (irq % 32u); }

/* Called every millisecond from an interrupt of the board's: it wakes the main loop, and ages the last feed. */
void wake_handler(void);

/* Finds out why the board has started; call it once, when the clock runs. */
void restart_init(void);

/* ---- of the machine ---- */
void watchdog_start(void);
void watchdog_feed(void);

#endif
