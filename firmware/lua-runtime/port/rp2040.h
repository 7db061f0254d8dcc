/* Registers of the RP2040 that the port uses (RP2040 data sheet, chapters 2 and 4). */
#ifndef MLTB_RP2040_H
#define MLTB_RP2040_H
#include <stdint.h>

#include "hardware.h"

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Atomic set and clear aliases of peripheral registers, 2.1.2. */
#define SET(address) REG((address) + 0x2000u)
#define CLR(address) REG((address) + 0x3000u)

#define RESETS_RESET 0x4000c000u
#define RESETS_DONE 0x4000c008u
#define RESET_I2C0 (1u << 3)
#define RESET_I2C1 (1u << 4)
#define RESET_IO_BANK0 (1u << 5)
#define RESET_PADS_BANK0 (1u << 8)
#define RESET_PLL_SYS (1u << 12)
#define RESET_PLL_USB (1u << 13)
#define RESET_TIMER (1u << 21)
#define RESET_UART0 (1u << 22)
#define RESET_UART1 (1u << 23)
#define RESET_USB (1u << 24)

#define XOSC_CTRL 0x40024000u
#define XOSC_STATUS 0x40024004u
#define XOSC_STARTUP 0x4002400cu
#define CLK_REF_CTRL 0x40008030u
#define CLK_REF_SELECTED 0x40008038u
#define CLK_SYS_CTRL 0x4000803cu
#define CLK_SYS_SELECTED 0x40008044u
#define CLK_PERI_CTRL 0x40008048u
#define CLK_USB_CTRL 0x40008054u
#define CLK_USB_DIV 0x40008058u
#define PLL_SYS 0x40028000u
#define PLL_USB 0x4002c000u
#define PSM_WDSEL 0x40010008u
#define WATCHDOG_CTRL 0x40058000u
#define WATCHDOG_LOAD 0x40058004u
#define WATCHDOG_REASON 0x40058008u
#define WATCHDOG_TICK 0x4005802cu

#define TIMER_ALARM0 0x40054010u
#define TIMER_ALARM1 0x40054014u
#define TIMER_RAWL 0x40054028u
#define TIMER_INTR 0x40054034u
#define TIMER_INTE 0x40054038u

#define SIO 0xd0000000u
#define GPIO_IN (SIO + 0x04u)
#define GPIO_OUT_SET (SIO + 0x14u)
#define GPIO_OUT_CLR (SIO + 0x18u)
#define GPIO_OE_SET (SIO + 0x24u)
#define GPIO_OE_CLR (SIO + 0x28u)
#define IO_CTRL(pin) (0x40014004u + 8u * (pin))
#define PAD(pin) (0x4001c004u + 4u * (pin))
#define FUNC_SPI 1u
#define FUNC_UART 2u
#define FUNC_I2C 3u
#define FUNC_CLOCK 8u
#define FUNC_SIO 5u

/* Link on UART 1 (GP24, GP25), debug lines on UART 0, which no pin carries. */
#define DEBUG_UART 0x40034000u
#define LINK_UART 0x40038000u
#define LINK_BAUD 921600u
#define LINK_RX_SIZE 4096u
#define LINK_TX_SIZE 8192u

#define I2C_BASE(bus) (0x40044000u + 0x4000u * (bus))
#define I2C_CON 0x00u
#define I2C_TAR 0x04u
#define I2C_DATA_CMD 0x10u
#define I2C_HCNT 0x1cu
#define I2C_LCNT 0x20u
#define I2C_MASK 0x30u
#define I2C_RAW 0x34u
#define I2C_CLR_INTR 0x40u
#define I2C_CLR_STOP 0x60u
#define I2C_ENABLE 0x6cu
#define I2C_STATUS 0x70u
#define I2C_TXFLR 0x74u
#define I2C_RXFLR 0x78u
#define I2C_SPKLEN 0xa0u
#define I2C_STOPPED (1u << 9)
#define I2C_ABORTED (1u << 6)
#define I2C_READ (1u << 8)
#define I2C_STOP (1u << 9)
#define I2C_RESTART (1u << 10)

#define CLK_GPOUT0_CTRL 0x40008000u
#define CLK_GPOUT0_DIV 0x40008004u
#define RESET_DMA (1u << 2)
#define RESET_SPI1 (1u << 17)

#define SPI_BASE(n) (0x4003c000u + 0x4000u * (n))
#define SPI_CR0 0x00u
#define SPI_CR1 0x04u
#define SPI_DR 0x08u
#define SPI_SR 0x0cu
#define SPI_CPSR 0x10u
#define SPI_DMACR 0x24u
#define SPI_SR_TNF (1u << 1)
#define SPI_SR_RNE (1u << 2)
#define SPI_SR_BSY (1u << 4)

#define DMA_CH(n) (0x50000000u + 0x40u * (n))
#define DMA_READ 0x00u
#define DMA_WRITE 0x04u
#define DMA_COUNT 0x08u
#define DMA_CTRL_TRIG 0x0cu
#define DMA_AL1_CTRL 0x10u
#define DMA_MULTI_TRIGGER 0x50000430u
#define DMA_SNIFF_CTRL 0x50000434u
#define DMA_SNIFF_DATA 0x50000438u
#define DMA_EN 1u
#define DMA_SIZE_16 (1u << 2)
#define DMA_INCR_READ (1u << 4)
#define DMA_INCR_WRITE (1u << 5)
#define DMA_CHAIN(n) ((n) << 11)
#define DMA_TREQ(n) ((n) << 15)
#define DMA_QUIET (1u << 21)
#define DMA_SNIFF (1u << 23)
#define DMA_BUSY (1u << 24)
#define DREQ_SPI1_TX 18u
#define DREQ_SPI1_RX 19u
#define DREQ_ALWAYS 63u

/* Interrupts of pins: four bits a pin, eight pins a register. */
#define IO_INTR(pin) (0x400140f0u + 4u * ((pin) / 8u))
#define IO_INTE(pin) (0x40014100u + 4u * ((pin) / 8u))
#define IO_INTS(pin) (0x40014120u + 4u * ((pin) / 8u))

#define NVIC_ISER 0xe000e100u
#define VTOR 0xe000ed08u
#define IRQ_TIMER0 0u
#define IRQ_TIMER1 1u
#define IRQ_USB 5u
#define IRQ_IO_BANK0 13u
#define IRQ_LINK 21u
#define IRQ_I2C0 23u

#endif
