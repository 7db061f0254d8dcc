/* Registers of the LM3S6965 that the port uses (Stellaris LM3S6965 data sheet). */
#ifndef MLTB_LM3S6965_H
#define MLTB_LM3S6965_H
#include "cortexm.h"
#include "hardware.h"

#define SYSTEM_HZ 50000000u
/* Link on UART 0, the evaluation board's USB bridge; debug lines on UART 1. */
#define LINK_UART 0x4000c000u
#define DEBUG_UART 0x4000d000u
#define LINK_BAUD 115200u
#define LINK_IRQ 5u
#define LINK_RX_SIZE 1024u
#define LINK_TX_SIZE 1024u

/* The millisecond is timer 0; SysTick runs free as the clock. */
#define TIMER0 0x40030000u
#define WAKE_IRQ 19u
#define WAKE_CLEAR REG(TIMER0 + 0x24u) = 1;

#define SYSCTL 0x400fe000u
#define WDT 0x40000000u
#define I2C0 0x40020000u

#endif
