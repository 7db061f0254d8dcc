/* Link to the host: a receive and a transmit ring behind three carriers, one of which is in use. */
#ifndef MLTB_LINK_H
#define MLTB_LINK_H
#include <stddef.h>
#include <stdint.h>

enum carrier { CARRIER_UART, CARRIER_CDC, CARRIER_HID };

void link_init(void);
/* Takes up to `size` received bytes. */
size_t link_read(uint8_t *into, size_t size);
/* Something was received and not read yet. */
int link_pending(void);
/* Queues bytes; what does not fit waits for the carrier. Bytes given up because it took none are counted. */
void link_write(const uint8_t *bytes, size_t size);
/* A place in the ring for `size` bytes in one piece, and its handing over; NULL when there is none. */
uint8_t *link_reserve(size_t size);
void link_commit(size_t size);
size_t link_room(void);

/* ---- what a board's carriers do for the rings, with interrupts off ---- */
/* Something waits in the transmit ring. */
void carrier_kick(enum carrier carrier);
/* There is room in the receive ring again. */
void carrier_resume(void);

/* ---- for carriers, with interrupts off or from an interrupt ---- */
void link_received(enum carrier from, const uint8_t *bytes, size_t size);
size_t link_receive_room(void);
/* What waits to be sent in one piece; size 0 when nothing does or another carrier is in use. */
const uint8_t *link_peek(enum carrier carrier, size_t *size);
void link_sent(size_t size);
/* Copies out up to `size` bytes; less than that only at the end of a frame. */
size_t link_take(enum carrier carrier, uint8_t *into, size_t size);

/* Received bytes that found the ring full, came over a carrier not in use, or were never taken by the carrier. */
extern volatile uint32_t link_overruns, link_foreign, link_stuck;

#endif
