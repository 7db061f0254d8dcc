/* The controller's watchdog. It is fed only while everything that keeps the board safe makes progress. */
#ifndef MLTB_SAFETY_H
#define MLTB_SAFETY_H

void safety_start(void);
/* A tick of the firmware has ended. Feeds the watchdog if sampler and sweep have moved too. */
void safety_ticked(void);

#endif
