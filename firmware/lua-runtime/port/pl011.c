/* PL011 as a carrier of the link: received by interrupt, sent by interrupt while something waits. A second one writes lines
   for a person with a probe. */
#include "board.h"
#include "link.h"
#include "uart.h"
#include MACHINE

#define DR(base) REG((base) + 0x00u)
#define FR(base) REG((base) + 0x18u)
#define IBRD(base) REG((base) + 0x24u)
#define FBRD(base) REG((base) + 0x28u)
#define LCR_H(base) REG((base) + 0x2cu)
#define CR(base) REG((base) + 0x30u)
#define IFLS(base) REG((base) + 0x34u)
#define IMSC(base) REG((base) + 0x38u)
#define ICR(base) REG((base) + 0x44u)
#define OVERRUN (1u << 11)
#define RXFE (1u << 4)
#define TXFF (1u << 5)
#define INT_RX (1u << 4)
#define INT_TX (1u << 5)
#define INT_TIMEOUT (1u << 6)

/* Fills the transmit FIFO. Its interrupt comes only when the level falls, so the first bytes must not wait for one. */
static void pump(void) {
  size_t waiting, sent;
  do {
    const uint8_t *bytes = link_peek(CARRIER_UART, &waiting);
    for (sent = 0; sent < waiting && (FR(LINK_UART) & TXFF) == 0; sent++) DR(LINK_UART) = bytes[sent];
    link_sent(sent);
  } while (waiting > 0 && sent == waiting);
  IMSC(LINK_UART) = INT_RX | INT_TIMEOUT | (waiting > 0 ? INT_TX : 0);
}

void uart_kick(void) { pump(); }

void link_handler(void) {
  while ((FR(LINK_UART) & RXFE) == 0) {
    uint32_t word = DR(LINK_UART);
    /* Characters were lost while the FIFO was full; how many, the part does not say (UARTDR.OE). */
    if ((word & OVERRUN) != 0) link_overruns++;
    uint8_t byte = (uint8_t)word;
    link_received(CARRIER_UART, &byte, 1);
  }
  ICR(LINK_UART) = INT_RX | INT_TIMEOUT;
  pump();
}

void debug_line(const char *text) {
  for (; text != NULL && *text != 0; text++) {
    while ((FR(DEBUG_UART) & TXFF) != 0) {
    }
    DR(DEBUG_UART) = (uint8_t)*text;
  }
  DR(DEBUG_UART) = '\n';
}

static void setup(uint32_t base) {
  /* Divisor in 64ths of the clock over 16. */
  uint32_t divisor = (SYSTEM_HZ * 4u + LINK_BAUD / 2u) / LINK_BAUD;
  IBRD(base) = divisor / 64u;
  FBRD(base) = divisor % 64u;
  LCR_H(base) = (3u << 5) | (1u << 4);
  /* Transmit at a quarter full, receive at an eighth full. */
  IFLS(base) = 1;
  CR(base) = (1u << 0) | (1u << 8) | (1u << 9);
}

void uart_init(void) {
  setup(DEBUG_UART);
  setup(LINK_UART);
  IMSC(LINK_UART) = INT_RX | INT_TIMEOUT;
}
