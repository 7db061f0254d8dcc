/* The three carriers of the RP2040's link: UART, USB serial line, HID reports. */
#include "hardware.h"
#include "link.h"
#include "rp2040.h"
#include "uart.h"
#include "usb.h"

void carrier_kick(enum carrier carrier) {
  if (carrier == CARRIER_UART) uart_kick();
  else if (carrier == CARRIER_CDC) usb_kick_cdc();
  else usb_kick_hid();
}

void carrier_resume(void) { usb_resume(); }

void link_init(void) {
  REG(IO_CTRL(PIN_LINK_TX)) = FUNC_UART;
  REG(IO_CTRL(PIN_LINK_RX)) = FUNC_UART;
  uart_init();
  REG(NVIC_ISER) = 1u << IRQ_LINK;
  usb_init();
}
