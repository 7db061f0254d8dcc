/* The UART that carries the link, and the one for debug lines (`debug_line` of board.h). Where they are, SYSTEM_HZ and
   LINK_BAUD stand in the machine's header. */
#ifndef MLTB_UART_H
#define MLTB_UART_H

/* Both UARTs; pins, clocks and the interrupt's enable are the board's. */
void uart_init(void);
/* Starts sending what waits in the link's ring. Call with interrupts off. */
void uart_kick(void);
/* The interrupt of the link's UART. */
void link_handler(void);

#endif
