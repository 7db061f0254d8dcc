/* USB device of the RP2040: one serial line (CDC-ACM) and one HID with reports of 64 bytes, both carriers of the link. */
#ifndef MLTB_USB_H
#define MLTB_USB_H

void usb_init(void);
/* Starts sending what waits in the link's transmit ring, if the endpoint is idle. Call with interrupts off. */
void usb_kick_cdc(void);
void usb_kick_hid(void);
/* Accepts packets again that were refused because the receive ring was full. Call with interrupts off. */
void usb_resume(void);

#endif
