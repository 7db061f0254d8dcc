/* Rings of the link and the carrier in use. */
#include "link.h"

#include <string.h>

#include "board.h"
#include MACHINE

#define RX_SIZE LINK_RX_SIZE
#define TX_SIZE LINK_TX_SIZE
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
    carrier_resume();
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
  carrier_kick(active);
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
