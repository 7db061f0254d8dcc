/* Registers of the AST1030 that the port uses, as QEMU's ast1030-evb has them. */
#ifndef MLTB_AST1030_H
#define MLTB_AST1030_H
#include "cortexm.h"
#include "hardware.h"

/* Link on UART 5, debug lines on UART 1: 24 MHz / 13 / 16 = 115,385 baud with a divisor of 1. */
#define LINK_UART 0x7e784000u
#define DEBUG_UART 0x7e783000u
#define UART_DIVISOR 1u
#define LINK_IRQ 8u
#define LINK_RX_SIZE 4096u
#define LINK_TX_SIZE 4096u

/* The millisecond is the core's own SysTick. */
#define SYSTEM_HZ 200000000u
#define WAKE_IRQ 0u
#define WAKE_CLEAR

#define GPIO_BASE 0x7e780000u
#define TIMER_BASE 0x7e782000u
#define WDT_BASE 0x7e785000u
#define I2C_BASE(bus) (0x7e7b0080u + 0x80u * (bus))

#endif
