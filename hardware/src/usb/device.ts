/** A USB device as data: the firmware's descriptors and the host's rules for finding it come from the same facts. */
export interface UsbDevice {
  vendor_id: number;
  product_id: number;
  /** Binary coded decimal, 0x0100 is 1.00. */
  release: number;
  manufacturer: string;
  product: string;
  /** Current drawn from the bus at most. */
  max_power_ma: number;
  /** Endpoint numbers; `cdc_notify` and the `in` directions carry data to the host. */
  endpoints: { cdc_notify: number; cdc_data: number; hid: number };
}

/** Bytes of a packet on every endpoint: the most that full speed allows for bulk and interrupt (USB 2.0, 5.7.3, 5.8.3). */
export const USB_PACKET_BYTES = 64;
/** Packet of the notification endpoint, which carries nothing on this device. */
const NOTIFY_BYTES = 8;

const Descriptor = { device: 1, configuration: 2, string: 3, interface: 4, endpoint: 5, association: 11, hid: 0x21 };
const Transfer = { bulk: 2, interrupt: 3 };
/** CDC 1.2: class of the control interface, abstract control model, class of the data interface. */
const CDC = { control: 2, acm: 2, data: 10, functional: 0x24 };
const HID_CLASS = 3;
const IN = 0x80;

const u16 = (value: number): number[] => [value & 255, value >> 8];

function endpoint(address: number, transfer: number, bytes: number, interval: number): number[] {
  return [7, Descriptor.endpoint, address, transfer, ...u16(bytes), interval];
}

function interfaceOf(number: number, endpoints: number, kind: number[], text: number): number[] {
  return [9, Descriptor.interface, number, 0, endpoints, ...kind, text];
}

/**
 * Report descriptor of the HID interface: one report without an id in each direction, 64 bytes of a vendor-defined usage
 * (HID 1.11, 6.2.2), so that no operating system takes it for a keyboard.
 */
export function hidReportDescriptor(): number[] {
  const items = [0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08];
  const report = (usage: number, item: number): number[] => [0x95, USB_PACKET_BYTES, 0x09, usage, item, 0x02];
  return [...items, ...report(2, 0x81), ...report(3, 0x91), 0xc0];
}

/** Device descriptor (USB 2.0, 9.6.1): a composite device with interface associations (their ECN, class 0xEF/2/1). */
export function deviceDescriptor(device: UsbDevice): number[] {
  const ids = [...u16(device.vendor_id), ...u16(device.product_id), ...u16(device.release)];
  return [18, Descriptor.device, ...u16(0x0200), 0xef, 2, 1, USB_PACKET_BYTES, ...ids, 1, 2, 3, 1];
}

/** Configuration with its interfaces: 0 and 1 are the serial line (CDC-ACM), 2 is the HID. */
export function configurationDescriptor(device: UsbDevice): number[] {
  const { cdc_notify, cdc_data, hid } = device.endpoints;
  const functional = [
    ...[5, CDC.functional, 0, ...u16(0x0120)],
    ...[5, CDC.functional, 1, 0, 1],
    // Line coding and control line state are accepted (CDC PSTN 1.2, 5.3.2, bit 1).
    ...[4, CDC.functional, 2, 2],
    ...[5, CDC.functional, 6, 0, 1],
  ];
  const body = [
    ...[8, Descriptor.association, 0, 2, CDC.control, CDC.acm, 0, 0],
    ...interfaceOf(0, 1, [CDC.control, CDC.acm, 0], 0),
    ...functional,
    ...endpoint(IN | cdc_notify, Transfer.interrupt, NOTIFY_BYTES, 16),
    ...interfaceOf(1, 2, [CDC.data, 0, 0], 0),
    ...endpoint(cdc_data, Transfer.bulk, USB_PACKET_BYTES, 0),
    ...endpoint(IN | cdc_data, Transfer.bulk, USB_PACKET_BYTES, 0),
    ...interfaceOf(2, 2, [HID_CLASS, 0, 0], 0),
    ...hidDescriptor(),
    ...endpoint(hid, Transfer.interrupt, USB_PACKET_BYTES, 1),
    ...endpoint(IN | hid, Transfer.interrupt, USB_PACKET_BYTES, 1),
  ];
  // Bus powered; half of the current in the last byte.
  const head = [9, Descriptor.configuration, ...u16(9 + body.length), 3, 1, 0, 0x80, device.max_power_ma / 2];
  return [...head, ...body];
}

/** HID descriptor (HID 1.11, 6.2.1), which stands in the configuration and can also be asked for alone. */
export function hidDescriptor(): number[] {
  return [9, Descriptor.hid, ...u16(0x0111), 0, 1, 0x22, ...u16(hidReportDescriptor().length)];
}

/** String descriptor, UTF-16. */
export function stringDescriptor(text: string): number[] {
  return [2 + 2 * text.length, Descriptor.string, ...[...text].flatMap((letter) => u16(letter.charCodeAt(0)))];
}
