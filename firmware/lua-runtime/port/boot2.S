/* Second-stage loader of the RP2040 (data sheet, 2.8.1.3): the chip's boot ROM copies 256 bytes of flash to RAM, checks
   the CRC in the last four and runs them. This one reads flash with the command that every part has (03h, one line, no
   wait states) at an eighth of the system clock, and starts the image behind it. */
  .syntax unified
  .cpu cortex-m0plus
  .thumb
  .section .boot2, "ax"
  .global boot2
  .thumb_func
boot2:
  ldr r3, =0x18000000          /* XIP_SSI */
  movs r1, #0
  str r1, [r3, #0x08]          /* SSIENR: off while it is set up */
  movs r1, #8
  str r1, [r3, #0x14]          /* BAUDR: 128 MHz / 8 = 16 MHz, below the 33 MHz that 03h stands */
  ldr r1, =(31 << 16) | (3 << 8)
  str r1, [r3, #0x00]          /* CTRLR0: 32-bit frames, EEPROM read */
  movs r1, #0
  str r1, [r3, #0x04]          /* CTRLR1: one frame */
  ldr r1, =(0x03 << 24) | (2 << 8) | (6 << 2)
  ldr r2, =0x180000f4
  str r1, [r2]                 /* SPI_CTRLR0: command 03h of 8 bits, 24 bits of address */
  movs r1, #1
  str r1, [r3, #0x08]
  ldr r0, =0x10000100          /* vector table of the image */
  ldr r1, =0xe000ed08          /* VTOR */
  str r0, [r1]
  ldmia r0, {r0, r1}
  msr msp, r0
  bx r1
  .pool
