/* 16550 as a carrier of the link: received by interrupt, sent by interrupt while something waits. A second one writes lines
   for a person with a probe. Registers are four bytes apart. */
#include "board.h"
#include "link.h"
#include "uart.h"
#include MACHINE

#define DATA(base) REG((base) + 0x00u)
#define IER(base) REG((base) + 0x04u)
#define FCR(base) REG((base) + 0x08u)
#define LCR(base) REG((base) + 0x0cu)
#define LSR(base) REG((base) + 0x14u)
#define IER_RX 1u
#define IER_TX 2u
#define LSR_RX 1u
#define LSR_TX_EMPTY 0x20u
#define FIFO 16u

void link_handler(void) {
  while ((LSR(LINK_UART) & LSR_RX) != 0) {
    uint8_t byte = (uint8_t)DATA(LINK_UART);
    link_received(CARRIER_UART, &byte, 1);
  }
  if ((LSR(LINK_UART) & LSR_TX_EMPTY) == 0) return;
  size_t waiting, sent = 0;
  const uint8_t *bytes = link_peek(CARRIER_UART, &waiting);
  while (sent < waiting && sent < FIFO) DATA(LINK_UART) = bytes[sent++];
  link_sent(sent);
  /* Without anything to send the empty FIFO would interrupt for ever. */
  if (waiting == 0) IER(LINK_UART) = IER_RX;
}

void uart_kick(void) { IER(LINK_UART) = IER_RX | IER_TX; }

void debug_line(const char *text) {
  for (int end = 0; !end;) {
    end = text == NULL || *text == 0;
    while ((LSR(DEBUG_UART) & LSR_TX_EMPTY) == 0) {
    }
    DATA(DEBUG_UART) = end ? '\n' : (uint8_t)*text++;
  }
}

static void setup(uint32_t base) {
  /* Divisor latch, then 8N1. */
  LCR(base) = 0x83u;
  DATA(base) = UART_DIVISOR;
  IER(base) = 0;
  LCR(base) = 0x03u;
  /* FIFOs on and clear; an interrupt at eight bytes, and the FIFO's time-out of four characters brings the rest. With a
     level of one the emulator hands over a byte for each turn of its own loop: 9 kB/s. */
  FCR(base) = 0x87u;
}

void uart_init(void) {
  setup(DEBUG_UART);
  setup(LINK_UART);
  IER(LINK_UART) = IER_RX;
}
