import {
  ADS131M08_COMMANDS,
  ADS131M08_CRC_SEED,
  ADS131M08_FRAME_WORDS,
  ADS131M08_REGISTERS,
  ADS131M08_SETUP,
  monitoringBoard,
  monitoringConverter,
} from "@mltb/hardware";

/** The hardware data that C needs, as a header: the port holds no pin number and no register address of a part. */
export function hardwareHeader(): string {
  const { pins, ...converter } = monitoringConverter;
  const values: Record<string, number> = {
    SYSTEM_HZ: converter.system_hz,
    CONVERTER_CLKIN_HZ: converter.clkin_hz,
    CONVERTER_RATE_HZ: converter.rate_hz,
    CONVERTER_SPI: converter.spi,
    PIN_CONVERTER_RX: pins.rx,
    PIN_CONVERTER_CS: pins.cs,
    PIN_CONVERTER_SCK: pins.sck,
    PIN_CONVERTER_TX: pins.tx,
    PIN_CONVERTER_DRDY: pins.drdy,
    PIN_CONVERTER_CLKIN: pins.clkin,
    ADS_FRAME_WORDS: ADS131M08_FRAME_WORDS,
    ADS_CRC_SEED: ADS131M08_CRC_SEED,
    ADS_WREG: ADS131M08_COMMANDS.wreg,
    ADS_RESET: ADS131M08_COMMANDS.reset,
    ADS_MODE: ADS131M08_REGISTERS.mode,
    ADS_SETUP_MODE: ADS131M08_SETUP.mode,
    ADS_SETUP_CLOCK: ADS131M08_SETUP.clock,
    CHANNELS: monitoringBoard.channels.length,
  };
  const lines = Object.entries(values).map(([name, value]) => `#define ${name} ${value}u`);
  return `/* Generated from hardware/ by lua-runtime/hardware-header.ts. */\n${lines.join("\n")}\n`;
}
