import {
  ADS131M08_COMMANDS,
  ADS131M08_CRC_SEED,
  ADS131M08_FRAME_WORDS,
  ADS131M08_REGISTERS,
  ADS131M08_SETUP,
  configurationDescriptor,
  deviceDescriptor,
  floorBoard,
  floorMachines,
  hidDescriptor,
  hidReportDescriptor,
  monitoringAllPins,
  monitoringBoard,
  monitoringBuses,
  monitoringConverter,
  monitoringFlash,
  monitoringUart,
  monitoringUsb,
  pinConstants,
  USB_PACKET_BYTES,
  W25Q16,
} from "@mltb/hardware";

/** Descriptors as arrays that one C file takes in. */
function usbArrays(): string {
  const arrays = {
    usb_device: deviceDescriptor(monitoringUsb),
    usb_configuration: configurationDescriptor(monitoringUsb),
    usb_hid: hidDescriptor(),
    usb_hid_report: hidReportDescriptor(),
  };
  const text = (name: string, value: string): string => `static const char ${name}[] = ${JSON.stringify(value)};`;
  return [
    "#ifdef USB_DESCRIPTORS",
    ...Object.entries(arrays).map(([name, bytes]) => `static const uint8_t ${name}[] = {${bytes.join(",")}};`),
    text("usb_manufacturer", monitoringUsb.manufacturer),
    text("usb_product", monitoringUsb.product),
    "#endif",
  ].join("\n");
}

/** What a controller of the floor board needs: each pin as port times eight plus bit. */
function floorHeader(machine: keyof typeof floorMachines): string {
  const pins = floorMachines[machine].pins.map(({ port, bit }) => (port.charCodeAt(0) - 65) * 8 + bit);
  return `/* Generated from hardware/ by lua-runtime/hardware-header.ts. */
#pragma once
#define MONITOR_BUS ${floorBoard.monitor_bus}u
#define MACHINE_PINS ${pins.join(", ")}
`;
}

/** The hardware data that C needs, as a header: the port holds no pin number and no register address of a part. */
export function hardwareHeader(board: string): string {
  if (board in floorMachines) return floorHeader(board as keyof typeof floorMachines);
  const converter = monitoringConverter;
  const values: Record<string, number> = {
    SYSTEM_HZ: converter.system_hz,
    CONVERTER_CLKIN_HZ: converter.clkin_hz,
    CONVERTER_RATE_HZ: converter.rate_hz,
    CONVERTER_SPI: converter.spi,
    ...Object.fromEntries(pinConstants(monitoringAllPins)),
    PIN_LINK_TX: monitoringUart.tx,
    PIN_LINK_RX: monitoringUart.rx,
    MONITOR_BUS: monitoringBoard.monitor_bus,
    MONITOR_BUS_HZ: monitoringBuses.monitor.hertz,
    PANEL_BUS: monitoringBoard.panel_bus,
    PANEL_BUS_HZ: monitoringBuses.panel.hertz,
    READBACK_ADDRESS: monitoringBoard.readback_address,
    ADS_FRAME_WORDS: ADS131M08_FRAME_WORDS,
    ADS_CRC_SEED: ADS131M08_CRC_SEED,
    ADS_WREG: ADS131M08_COMMANDS.wreg,
    ADS_RESET: ADS131M08_COMMANDS.reset,
    ADS_MODE: ADS131M08_REGISTERS.mode,
    ADS_SETUP_MODE: ADS131M08_SETUP.mode,
    ADS_SETUP_CLOCK: ADS131M08_SETUP.clock,
    CHANNELS: monitoringBoard.channels.length,
    CHAIN_BYTES: monitoringBoard.chain_bits / 8,
    CHAIN_SWITCHES: monitoringBoard.channels[0]?.switch_bit ?? 0,
    FLASH_AREA: monitoringFlash.area,
    FLASH_AREA_BYTES: monitoringFlash.area_bytes,
    FLASH_SECTOR: monitoringFlash.sector_bytes,
    FLASH_PAGE: monitoringFlash.page_bytes,
    FLASH_STORE: monitoringFlash.store,
    FLASH_PROGRAM: W25Q16.commands.page_program,
    FLASH_READ: W25Q16.commands.read,
    FLASH_STATUS: W25Q16.commands.read_status,
    FLASH_WRITE_ENABLE: W25Q16.commands.write_enable,
    FLASH_ERASE: W25Q16.commands.sector_erase,
    FLASH_UNIQUE_ID: W25Q16.commands.unique_id,
    FLASH_BUSY: W25Q16.status.busy,
    SLOTS: monitoringFlash.slots,
    SLOT_BYTES: monitoringFlash.slot_bytes,
    SLOT_MARKS: monitoringFlash.marks,
    SLOT_CONTENT: monitoringFlash.content,
    USB_PACKET: USB_PACKET_BYTES,
    USB_EP_NOTIFY: monitoringUsb.endpoints.cdc_notify,
    USB_EP_CDC: monitoringUsb.endpoints.cdc_data,
    USB_EP_HID: monitoringUsb.endpoints.hid,
  };
  const lines = Object.entries(values).map(([name, value]) => `#define ${name} ${value}u`);
  return `/* Generated from hardware/ by lua-runtime/hardware-header.ts. */\n#pragma once\n${lines.join("\n")}\n${usbArrays()}\n`;
}
