/* The controller's watchdog. It is fed only while everything that keeps the board safe makes progress. */
#ifndef MLTB_SAFETY_H
#define MLTB_SAFETY_H

/* Without a feed for this long the chip restarts. */
#define SAFETY_TIMEOUT_US 300000u
/* The counter falls twice a microsecond (erratum RP2040-E1). A macro, for code that must not call anything. */
#define SAFETY_FEED() (REG(WATCHDOG_LOAD) = SAFETY_TIMEOUT_US * 2u)

void safety_start(void);
/* A tick of the firmware has ended. Feeds the watchdog if sampler and sweep have moved too. */
void safety_ticked(void);

#endif
