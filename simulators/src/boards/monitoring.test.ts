import { AT24C, INA226, PCF8574, TMP105 } from "@mltb/hardware";
import { expect, test } from "vitest";
import { createMonitoringElectronics } from "./monitoring.ts";

const bytes = (...values: number[]): string => String.fromCharCode(...values);

test("powerCycle: every part is as after power-up, and no output is driven before the chain has been written", () => {
  const electronics = createMonitoringElectronics(1, []);
  const { board, hal, chain, rails, eeprom } = electronics;
  const run = (ms: number): void => {
    for (let n = 0; n < ms; n += 1) electronics.step(1000, []);
  };
  const read = (bus: number, address: number, register: number): number[] => [
    ...Buffer.from(hal.i2c_xfer(bus, address, bytes(register), 2) ?? "", "latin1"),
  ];
  const write = (bus: number, address: number, ...values: number[]): void => {
    expect(hal.i2c_xfer(bus, address, bytes(...values), 0)).toBe("");
  };
  const { configuration, mask_enable, alert_limit } = INA226.registers;
  const monitors = board.channels.map(({ monitor_address }) => [board.monitor_bus, monitor_address] as const);
  const all = [...monitors, [board.panel_bus, board.supply.address] as const];
  const outputs = (): number[] => board.channels.map(({ switch_bit }) => chain.output(switch_bit));

  for (const [bus, address] of all) {
    write(bus, address, configuration, INA226.configuration_sweep >> 8, INA226.configuration_sweep & 255);
    write(bus, address, alert_limit, 0x7f, 0xff);
    write(bus, address, mask_enable, INA226.alert_shunt_over >> 8, INA226.alert_latch);
  }
  write(board.panel_bus, board.thermometer_address, TMP105.configuration, TMP105.configuration_12_bits);
  write(board.panel_bus, board.lcd.address, 0x08);
  write(board.panel_bus, board.eeprom_address, 0, 0, ...Array.from({ length: AT24C.page_bytes }, () => 0x5a));
  hal.chain_write(bytes(0xff, 0, 0, 0x01));
  run(300);
  write(board.panel_bus, board.eeprom_address, 0, 0, ...Array.from({ length: AT24C.page_bytes }, () => 0xa5));
  expect(read(board.panel_bus, board.thermometer_address, TMP105.temperature)).not.toEqual([0, 0]);
  expect(outputs()).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
  const charge_v = rails[0]?.voltage_v ?? 0;
  expect([rails[0]?.switchOn, charge_v > 5]).toEqual([true, true]);

  electronics.powerCycle();
  expect(rails.map(({ switchOn, discharge }) => switchOn || discharge)).not.toContain(true);
  expect(rails[0]?.voltage_v).toBe(charge_v);
  for (const [bus, address] of all) {
    expect(read(bus, address, configuration)).toEqual([0x41, 0x27]);
    expect(read(bus, address, alert_limit)).toEqual([0, 0]);
    expect(read(bus, address, mask_enable)).toEqual([0, 0]);
    expect(read(bus, address, INA226.registers.bus_voltage)).toEqual([0, 0]);
  }
  expect(read(board.panel_bus, board.thermometer_address, TMP105.configuration)[0]).toBe(0);
  expect(read(board.panel_bus, board.thermometer_address, TMP105.temperature)).toEqual([0, 0]);
  expect(hal.i2c_xfer(board.panel_bus, board.lcd.address, "", 1)).toBe(bytes(PCF8574.reset));
  // The write cycle of the EEPROM was cut: some cells old, some new, some neither.
  const cells = new Set(eeprom.bytes.subarray(0, AT24C.page_bytes));
  expect([cells.has(0x5a), cells.has(0xa5), cells.size > 2]).toEqual([true, true, true]);
  expect(
    board.channels.every(({ strap_bit, reset_bit }) => chain.output(strap_bit) + chain.output(reset_bit) === 0),
  ).toBe(true);
  run(10);
  expect(outputs()).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  // A latch without a chain that was shifted shows what the registers came up with.
  hal.gpio_write(board.chain.latch_pin, 1);
  hal.gpio_write(board.chain.latch_pin, 0);
  expect(outputs()).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  hal.chain_write(bytes(0, 0, 0xff, 0));
  expect(outputs()).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  expect(rails.every(({ switchOn, discharge }) => !switchOn && discharge)).toBe(true);
});
