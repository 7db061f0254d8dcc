/* USB 2.0 full-speed device on the RP2040's controller (data sheet, 4.1). Numbers in comments are chapters of USB 2.0. */
#include "usb.h"

#include <string.h>

#include "board.h"
#define USB_DESCRIPTORS
#include "hardware.h"
#include "link.h"
#include "rp2040.h"

#define DPRAM 0x50100000u
#define EP_CONTROL(ep, out) (DPRAM + 8u * (ep) + 4u * (out))
#define BUFFER_CONTROL(ep, out) (DPRAM + 0x80u + 8u * (ep) + 4u * (out))
#define EP0_BUFFER (DPRAM + 0x100u)
/* Two packets an endpoint, in before out. */
#define BUFFER(ep, out) (DPRAM + 0x180u + 128u * ((ep)-1u) + 64u * (out))
#define OUT 1u
#define IN 0u

#define USB 0x50110000u
#define USB_ADDRESS (USB + 0x00u)
#define USB_MAIN_CTRL (USB + 0x40u)
#define USB_SIE_CTRL (USB + 0x4cu)
#define USB_SIE_STATUS (USB + 0x50u)
#define USB_BUFF_STATUS (USB + 0x58u)
#define USB_EP_STALL_ARM (USB + 0x68u)
#define USB_MUXING (USB + 0x74u)
#define USB_PWR (USB + 0x78u)
#define USB_INTE (USB + 0x90u)
#define USB_INTS (USB + 0x98u)
#define INT_BUFF_STATUS (1u << 4)
#define INT_BUS_RESET (1u << 12)
#define INT_SETUP (1u << 16)
#define SIE_BUS_RESET (1u << 19)
#define SIE_SETUP (1u << 17)

#define BUFFER_FULL (1u << 15)
#define BUFFER_DATA1 (1u << 13)
#define BUFFER_STALL (1u << 11)
#define BUFFER_AVAILABLE (1u << 10)
#define BUFFER_LENGTH 0x3ffu

#define GET_STATUS 0u
#define CLEAR_FEATURE 1u
#define SET_FEATURE 3u
#define SET_ADDRESS 5u
#define GET_DESCRIPTOR 6u
#define GET_CONFIGURATION 8u
#define SET_CONFIGURATION 9u
#define GET_INTERFACE 10u
#define SET_INTERFACE 11u
#define CDC_SET_LINE_CODING 0x20u
#define CDC_GET_LINE_CODING 0x21u
#define CDC_SET_CONTROL_LINE_STATE 0x22u
#define HID_SET_IDLE 0x0au
#define STRING_MAX 32u

struct setup {
  uint8_t type, request;
  uint16_t value, index, length;
};

/* Toggle that the next packet carries, and whether the controller holds the buffer; one row an endpoint. */
static struct { uint32_t toggle[2]; int busy[2], halted[2]; } endpoints[4];
static struct {
  const uint8_t *data;
  size_t left;
  /* A transfer that ends on a full packet and is shorter than asked for is closed by an empty one (5.5.3). */
  int close, taking;
  uint8_t address;
} control;
static uint8_t configured;
static uint8_t line_coding[7] = {0x00, 0x10, 0x0e, 0x00, 0, 0, 8};
static uint8_t reply[2 + 2 * STRING_MAX];
static int cdc_close;

/* Length and toggle must stand before the controller may take the buffer: its clock is slower than the processor's (4.1.2.5.1). */
static void arm(unsigned ep, unsigned out, size_t size, uint32_t flags) {
  uint32_t value = (uint32_t)size | flags | (endpoints[ep].toggle[out] != 0 ? BUFFER_DATA1 : 0);
  endpoints[ep].toggle[out] ^= 1u;
  endpoints[ep].busy[out] = 1;
  REG(BUFFER_CONTROL(ep, out)) = value;
  __asm volatile("nop; nop; nop; nop; nop; nop; nop; nop; nop; nop; nop; nop");
  REG(BUFFER_CONTROL(ep, out)) = value | BUFFER_AVAILABLE;
}

static void copy(uint32_t to, const uint8_t *from, size_t size) {
  if (((uintptr_t)from & 3u) == 0 && size % 4u == 0) {
    const uint32_t *words = (const uint32_t *)(const void *)from;
    for (size_t i = 0; i < size; i += 4) REG(to + i) = *words++;
    return;
  }
  for (size_t i = 0; i < size; i += 4) {
    uint32_t word = 0;
    for (size_t n = 0; n < 4 && i + n < size; n++) word |= (uint32_t)from[i + n] << (8 * n);
    REG(to + i) = word;
  }
}

/* ---- control transfers ---- */
static void control_in(void) {
  size_t part = control.left < USB_PACKET ? control.left : USB_PACKET;
  copy(EP0_BUFFER, control.data, part);
  control.data += part;
  control.left -= part;
  if (part < USB_PACKET) control.close = 0;
  arm(0, IN, part, BUFFER_FULL);
}

static void control_answer(const struct setup *setup, const uint8_t *data, size_t size) {
  control.data = data;
  control.left = size < setup->length ? size : setup->length;
  control.close = size < setup->length;
  endpoints[0].toggle[IN] = 1;
  control_in();
}

/* The status stage always carries DATA1 (8.5.3). */
static void control_status(unsigned direction) {
  endpoints[0].toggle[direction] = 1;
  arm(0, direction, 0, direction == IN ? BUFFER_FULL : 0);
}

static void control_stall(void) {
  REG(USB_EP_STALL_ARM) = 3;
  REG(BUFFER_CONTROL(0, IN)) = BUFFER_STALL;
  REG(BUFFER_CONTROL(0, OUT)) = BUFFER_STALL;
}

static void string_answer(const struct setup *setup) {
  unsigned index = setup->value & 255u;
  const char *text = index == 1 ? usb_manufacturer : index == 2 ? usb_product : board_serial();
  if (index > 3) {
    control_stall();
    return;
  }
  size_t length = index == 0 ? 1 : strlen(text);
  if (length > STRING_MAX) length = STRING_MAX;
  reply[0] = (uint8_t)(2 + 2 * length);
  reply[1] = 3;
  for (size_t i = 0; i < length; i++) {
    reply[2 + 2 * i] = (uint8_t)text[i];
    reply[3 + 2 * i] = 0;
  }
  if (index == 0) {
    /* English, United States: the only language. */
    reply[2] = 0x09;
    reply[3] = 0x04;
  }
  control_answer(setup, reply, reply[0]);
}

static void descriptor_answer(const struct setup *setup) {
  switch (setup->value >> 8) {
    case 1: control_answer(setup, usb_device, sizeof usb_device); break;
    case 2: control_answer(setup, usb_configuration, sizeof usb_configuration); break;
    case 3: string_answer(setup); break;
    case 0x21: control_answer(setup, usb_hid, sizeof usb_hid); break;
    case 0x22: control_answer(setup, usb_hid_report, sizeof usb_hid_report); break;
    default: control_stall();
  }
}

static void endpoint_open(unsigned ep, unsigned out, unsigned type) {
  endpoints[ep].toggle[out] = 0;
  endpoints[ep].busy[out] = endpoints[ep].halted[out] = 0;
  REG(EP_CONTROL(ep, out)) = (1u << 31) | (1u << 29) | (type << 26) | (BUFFER(ep, out) - DPRAM);
}

static void configure(uint8_t value) {
  configured = value;
  cdc_close = 0;
  if (value == 0) return;
  endpoint_open(USB_EP_NOTIFY, IN, 3);
  endpoint_open(USB_EP_CDC, IN, 2);
  endpoint_open(USB_EP_CDC, OUT, 2);
  endpoint_open(USB_EP_HID, IN, 3);
  endpoint_open(USB_EP_HID, OUT, 3);
  usb_resume();
}

/* Halt of an endpoint (9.4.5): clearing it starts the toggle anew. */
static int halt(const struct setup *setup, int on) {
  unsigned ep = setup->index & 15u, out = (setup->index & 0x80u) != 0 ? IN : OUT;
  if (setup->type != 2 || setup->value != 0 || ep == 0 || ep > 3 || configured == 0) return 0;
  endpoints[ep].halted[out] = on;
  endpoints[ep].toggle[out] = 0;
  endpoints[ep].busy[out] = 0;
  REG(BUFFER_CONTROL(ep, out)) = on ? BUFFER_STALL : 0;
  if (!on) {
    usb_resume();
    usb_kick_cdc();
    usb_kick_hid();
  }
  return 1;
}

static void standard_request(const struct setup *setup) {
  unsigned ep = setup->index & 15u;
  memset(reply, 0, 2);
  switch (setup->request) {
    case GET_DESCRIPTOR: descriptor_answer(setup); return;
    case GET_STATUS:
      if (setup->type == 0x82 && ep < 4) reply[0] = (uint8_t)endpoints[ep].halted[(setup->index & 0x80u) != 0 ? IN : OUT];
      control_answer(setup, reply, 2);
      return;
    case GET_CONFIGURATION: control_answer(setup, &configured, 1); return;
    case GET_INTERFACE: control_answer(setup, reply, 1); return;
    case SET_ADDRESS: control.address = (uint8_t)(setup->value & 127u); break;
    case SET_CONFIGURATION:
      if (setup->value > 1) {
        control_stall();
        return;
      }
      configure((uint8_t)setup->value);
      break;
    case SET_INTERFACE: break;
    case SET_FEATURE:
    case CLEAR_FEATURE:
      if (!halt(setup, setup->request == SET_FEATURE)) {
        control_stall();
        return;
      }
      break;
    default: control_stall(); return;
  }
  control_status(IN);
}

static void class_request(const struct setup *setup) {
  switch (setup->request) {
    case CDC_SET_LINE_CODING:
      control.taking = 1;
      endpoints[0].toggle[OUT] = 1;
      arm(0, OUT, USB_PACKET, 0);
      return;
    case CDC_GET_LINE_CODING: control_answer(setup, line_coding, sizeof line_coding); return;
    case CDC_SET_CONTROL_LINE_STATE:
    case HID_SET_IDLE: control_status(IN); return;
    default: control_stall();
  }
}

static void setup_received(void) {
  uint32_t low = REG(DPRAM), high = REG(DPRAM + 4);
  struct setup setup = {(uint8_t)low, (uint8_t)(low >> 8), (uint16_t)(low >> 16), (uint16_t)high, (uint16_t)(high >> 16)};
  control.left = 0;
  control.close = control.taking = 0;
  control.address = 0;
  if ((setup.type & 0x60u) == 0) standard_request(&setup);
  else if ((setup.type & 0x60u) == 0x20u) class_request(&setup);
  else control_stall();
}

static void control_in_done(void) {
  if (control.address != 0) {
    REG(USB_ADDRESS) = control.address;
    control.address = 0;
    return;
  }
  if (control.data == NULL) return;
  if (control.left > 0 || control.close) {
    control_in();
    return;
  }
  control.data = NULL;
  control_status(OUT);
}

static void control_out_done(void) {
  if (!control.taking) return;
  control.taking = 0;
  /* The line's speed means nothing on USB; it is kept for hosts that read it back. */
  uint32_t words[2] = {REG(EP0_BUFFER), REG(EP0_BUFFER + 4)};
  memcpy(line_coding, words, sizeof line_coding);
  control_status(IN);
}

/* ---- carriers ---- */
void usb_kick_cdc(void) {
  if (configured == 0 || endpoints[USB_EP_CDC].busy[IN] || endpoints[USB_EP_CDC].halted[IN]) return;
  size_t size;
  const uint8_t *from = link_peek(CARRIER_CDC, &size);
  if (size > USB_PACKET) size = USB_PACKET;
  if (size == 0 && !cdc_close) return;
  copy(BUFFER(USB_EP_CDC, IN), from, size);
  link_sent(size);
  /* A host reads until a short packet: data that ends on a full one is closed by an empty one. */
  cdc_close = size == USB_PACKET;
  arm(USB_EP_CDC, IN, size, BUFFER_FULL);
}

void usb_kick_hid(void) {
  if (configured == 0 || endpoints[USB_EP_HID].busy[IN] || endpoints[USB_EP_HID].halted[IN]) return;
  uint8_t report[USB_PACKET];
  size_t size = link_take(CARRIER_HID, report, sizeof report);
  if (size == 0) return;
  memset(report + size, 0, sizeof report - size);
  copy(BUFFER(USB_EP_HID, IN), report, sizeof report);
  arm(USB_EP_HID, IN, sizeof report, BUFFER_FULL);
}

static void receive(unsigned ep, enum carrier carrier) {
  uint32_t words[USB_PACKET / 4];
  size_t size = REG(BUFFER_CONTROL(ep, OUT)) & BUFFER_LENGTH;
  for (size_t i = 0; i < size; i += 4) words[i / 4] = REG(BUFFER(ep, OUT) + i);
  link_received(carrier, (const uint8_t *)words, size);
}

void usb_resume(void) {
  if (configured == 0) return;
  static const uint8_t data[2] = {USB_EP_CDC, USB_EP_HID};
  for (unsigned i = 0; i < 2; i++) {
    unsigned ep = data[i];
    if (!endpoints[ep].busy[OUT] && !endpoints[ep].halted[OUT] && link_receive_room() >= 2 * USB_PACKET) {
      arm(ep, OUT, USB_PACKET, 0);
    }
  }
}

static void buffers_done(uint32_t done) {
  /* Bit 2n is endpoint n towards the host, bit 2n + 1 from it. */
  for (unsigned ep = 0; ep < 4; ep++) {
    if ((done >> (2 * ep)) & 1u) endpoints[ep].busy[IN] = 0;
    if ((done >> (2 * ep + 1)) & 1u) endpoints[ep].busy[OUT] = 0;
  }
  if (done & 1u) control_in_done();
  if (done & 2u) control_out_done();
  if ((done >> (2 * USB_EP_CDC + 1)) & 1u) receive(USB_EP_CDC, CARRIER_CDC);
  if ((done >> (2 * USB_EP_HID + 1)) & 1u) receive(USB_EP_HID, CARRIER_HID);
  usb_resume();
  if ((done >> (2 * USB_EP_CDC)) & 1u) usb_kick_cdc();
  if ((done >> (2 * USB_EP_HID)) & 1u) usb_kick_hid();
}

void usb_handler(void) {
  uint32_t status = REG(USB_INTS);
  if (status & INT_BUS_RESET) {
    REG(USB_SIE_STATUS) = SIE_BUS_RESET;
    REG(USB_ADDRESS) = 0;
    configured = 0;
    memset(endpoints, 0, sizeof endpoints);
  }
  if (status & INT_BUFF_STATUS) {
    uint32_t done = REG(USB_BUFF_STATUS);
    REG(USB_BUFF_STATUS) = done;
    buffers_done(done);
  }
  if (status & INT_SETUP) {
    REG(USB_SIE_STATUS) = SIE_SETUP;
    setup_received();
  }
}

void usb_init(void) {
  for (uint32_t at = 0; at < 0x180u; at += 4) REG(DPRAM + at) = 0;
  /* To the PHY, with the software's word that there is power on the bus: a Pico has no pin for it. */
  REG(USB_MUXING) = (1u << 0) | (1u << 3);
  REG(USB_PWR) = (1u << 3) | (1u << 2);
  REG(USB_MAIN_CTRL) = 1;
  /* An interrupt for every buffer of endpoint 0, then the pull-up that tells the host. */
  REG(USB_SIE_CTRL) = 1u << 29;
  REG(USB_INTE) = INT_BUFF_STATUS | INT_BUS_RESET | INT_SETUP;
  REG(NVIC_ISER) = 1u << IRQ_USB;
  SET(USB_SIE_CTRL) = 1u << 16;
}
