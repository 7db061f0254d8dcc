import type { UsbDevice } from "../usb/device.ts";

/**
 * USB identity of the monitoring board. The ids are pid.codes' for tests within a lab; a board that is handed on needs
 * ids of its own.
 */
export const monitoringUsb: UsbDevice = {
  vendor_id: 0x1209,
  product_id: 0x0001,
  release: 0x0100,
  manufacturer: "MLTB",
  product: "MLTB monitoring board",
  max_power_ma: 100,
  endpoints: { cdc_notify: 1, cdc_data: 2, hid: 3 },
};
