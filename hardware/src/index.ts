/** Boards and parts as data: the only door of the package. */

export { floorBoard } from "./boards/floor.ts";
export { type FloorMachine, floorMachines } from "./boards/floor-machines.ts";
export { monitoringBoard } from "./boards/monitoring.ts";
export { monitoringBuses, monitoringUart } from "./boards/monitoring-buses.ts";
export { monitoringConverter } from "./boards/monitoring-converter.ts";
export { type FlashMap, monitoringFlash } from "./boards/monitoring-flash.ts";
export { monitoringAllPins, monitoringPins } from "./boards/monitoring-pins.ts";
export { monitoringPower } from "./boards/monitoring-power.ts";
export { monitoringUsb } from "./boards/monitoring-usb.ts";
export { ampsPerCode, monitorAmpsPerCode } from "./convert.ts";
export { pinConstants } from "./headers.ts";
export { ADM1272 } from "./parts/adm1272.ts";
export * from "./parts/ads131m08.ts";
export { AT24C } from "./parts/at24c.ts";
export { ADS131M08, INA240A1 } from "./parts/fast-current.ts";
export { INA226 } from "./parts/ina226.ts";
export { HD44780, LCD_BACKPACK, PCF8574 } from "./parts/lcd.ts";
export { BUS_VOLTAGE_ERRORS, FAST_CURRENT_ERRORS } from "./parts/measurement-errors.ts";
export { TMP105 } from "./parts/tmp105.ts";
export { TMP105_TIMING } from "./parts/tmp105-timing.ts";
export { W25Q16 } from "./parts/w25q16.ts";
export type {
  Channel,
  ChannelLimits,
  ErrorTerm,
  FastCurrent,
  FloorBoard,
  MonitoringBoard,
  PinUse,
} from "./types.ts";
export {
  configurationDescriptor,
  deviceDescriptor,
  hidDescriptor,
  hidReportDescriptor,
  stringDescriptor,
  USB_PACKET_BYTES,
  type UsbDevice,
} from "./usb/device.ts";
