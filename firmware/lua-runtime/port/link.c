/* Rings of the link, the carrier in use, and the UART. */
#include "link.h"

#include <string.h>

#include "board.h"
#include "hardware.h"
#include "rp2040.h"
#include "usb.h"

#define BAUD 921600u
#define RX_SIZE 4096u
#define TX_SIZE 8192u
/* A carrier that was silent for this long gives way to another. */
#define SILENT_US 1000000u
/* A carrier that takes nothing for this long is unplugged: what waits is given up. */
#define STUCK_US 250000u

static uint8_t rx_ring[RX_SIZE];
static volatile uint32_t rx_head, rx_tail;
static uint32_t tx_words[TX_SIZE / 4];
static uint8_t *const tx_ring = (uint8_t *)tx_words;
static volatile uint32_t tx_head, tx_tail;
static volatile int writing;
volatile uint32_t link_overruns, link_foreign, link_stuck;
static volatile enum carrier active = CARRIER_UART;
static volatile int heard;
static volatile uint32_t heard_us;

/* ---- receiving ---- */
size_t link_receive_room(void) { return RX_SIZE - (rx_head - rx_tail); }

void link_received(enum carrier from, const uint8_t *bytes, size_t size) {
  uint32_t now = board_ticks_us();
  if (from != active) {
    if (heard && now - heard_us < SILENT_US) {
      link_foreign += size;
      return;
    }
    /* What was meant for the host before is no business of this one. */
    active = from;
    link_stuck += tx_head - tx_tail;
    tx_tail = tx_head;
  }
  heard = 1;
  heard_us = now;
  for (size_t i = 0; i < size; i++) {
    if (rx_head - rx_tail == RX_SIZE) {
      link_overruns += size - i;
      return;
    }
    rx_ring[rx_head % RX_SIZE] = bytes[i];
    rx_head++;
  }
}

size_t link_read(uint8_t *into, size_t size) {
  size_t count = 0;
  while (count < size && rx_tail != rx_head) {
    into[count++] = rx_ring[rx_tail % RX_SIZE];
    rx_tail++;
  }
  if (count > 0) {
    interrupts_off();
    usb_resume();
    interrupts_on();
  }
  return count;
}

int link_pending(void) { return rx_head != rx_tail; }

/* ---- sending ---- */
size_t link_room(void) { return TX_SIZE - (tx_head - tx_tail); }

const uint8_t *link_peek(enum carrier carrier, size_t *size) {
  *size = 0;
  uint32_t at = tx_tail % TX_SIZE;
  if (carrier != active || tx_head == tx_tail) return tx_ring;
  size_t waiting = tx_head - tx_tail, whole = TX_SIZE - at;
  *size = waiting < whole ? waiting : whole;
  return tx_ring + at;
}

void link_sent(size_t size) { tx_tail += size; }

size_t link_take(enum carrier carrier, uint8_t *into, size_t size) {
  size_t waiting = tx_head - tx_tail;
  if (carrier != active || (waiting < size && writing)) return 0;
  if (waiting > size) waiting = size;
  for (size_t i = 0; i < waiting; i++) into[i] = tx_ring[(tx_tail + i) % TX_SIZE];
  tx_tail += waiting;
  return waiting;
}

static void kick(void) {
  interrupts_off();
  if (active == CARRIER_UART) SET(UART_IMSC(1)) = 1u << 5;
  else if (active == CARRIER_CDC) usb_kick_cdc();
  else usb_kick_hid();
  interrupts_on();
}

/* A short packet leaves the tail between words: an empty ring starts at a whole one again, so that packets are copied by words. */
static void align(void) {
  interrupts_off();
  if (tx_head == tx_tail) tx_head = tx_tail = (tx_head + 3u) & ~3u;
  interrupts_on();
}

/* Waits for room; 0 when the carrier takes nothing. */
static int wait_room(void) {
  uint32_t start = board_ticks_us(), tail = tx_tail;
  while (link_room() == 0) {
    kick();
    if (tx_tail != tail) {
      tail = tx_tail;
      start = board_ticks_us();
    }
    if (board_ticks_us() - start > STUCK_US) return 0;
  }
  return 1;
}

void link_write(const uint8_t *bytes, size_t size) {
  align();
  writing = 1;
  while (size > 0) {
    if (!wait_room()) {
      interrupts_off();
      link_stuck += size + (tx_head - tx_tail);
      tx_tail = tx_head;
      interrupts_on();
      break;
    }
    size_t at = tx_head % TX_SIZE;
    size_t part = size < TX_SIZE - at ? size : TX_SIZE - at;
    if (part > link_room()) part = link_room();
    memcpy(tx_ring + at, bytes, part);
    tx_head += part;
    bytes += part;
    size -= part;
  }
  writing = 0;
  kick();
}

uint8_t *link_reserve(size_t size) {
  align();
  size_t at = tx_head % TX_SIZE;
  return size <= TX_SIZE - at && size <= link_room() ? tx_ring + at : NULL;
}

void link_commit(size_t size) {
  tx_head += size;
  kick();
}

/* ---- UART: received by interrupt, sent by interrupt while something waits ---- */
void link_handler(void) {
  while ((REG(UART_FR(1)) & UART_FR_RXFE) == 0) {
    uint32_t word = REG(UART_DR(1));
    /* Characters were lost while the FIFO was full; how many, the part does not say (4.2.8, UARTDR.OE). */
    if ((word & UART_DR_OE) != 0) link_overruns++;
    uint8_t byte = (uint8_t)word;
    link_received(CARRIER_UART, &byte, 1);
  }
  REG(UART_ICR(1)) = (1u << 4) | (1u << 6);
  while (active == CARRIER_UART && tx_tail != tx_head && (REG(UART_FR(1)) & UART_FR_TXFF) == 0) {
    REG(UART_DR(1)) = tx_ring[tx_tail % TX_SIZE];
    tx_tail++;
  }
  if (active != CARRIER_UART || tx_tail == tx_head) CLR(UART_IMSC(1)) = 1u << 5;
}

void debug_line(const char *text) {
  for (; text != NULL && *text != 0; text++) {
    while ((REG(UART_FR(0)) & UART_FR_TXFF) != 0) {
    }
    REG(UART_DR(0)) = (uint8_t)*text;
  }
  REG(UART_DR(0)) = '\n';
}

static void uart_init(unsigned n) {
  /* Divisor in 64ths, 4.2.7.1: 128 MHz / (16 x 921,600) = 8 + 44/64. */
  uint32_t divisor = (SYSTEM_HZ * 4u + BAUD / 2u) / BAUD;
  REG(UART_IBRD(n)) = divisor / 64u;
  REG(UART_FBRD(n)) = divisor % 64u;
  REG(UART_LCR_H(n)) = (3u << 5) | (1u << 4);
  /* Transmit at a quarter full, receive at an eighth full. */
  REG(UART_IFLS(n)) = 1;
  REG(UART_CR(n)) = (1u << 0) | (1u << 8) | (1u << 9);
}

void link_init(void) {
  REG(IO_CTRL(24)) = FUNC_UART;
  REG(IO_CTRL(25)) = FUNC_UART;
  uart_init(0);
  uart_init(1);
  /* Receive and receive time-out. */
  REG(UART_IMSC(1)) = (1u << 4) | (1u << 6);
  REG(NVIC_ISER) = 1u << IRQ_LINK;
  usb_init();
}
