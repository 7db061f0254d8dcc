/** Values that cross between Lua and Node: byte strings are latin1 strings, nil is undefined. */
export type LuaValue = string | number | boolean | undefined;

/**
 * The board as the firmware sees it, implemented in Node: the twin of `firmware/runtime/types/hal.d.ts`, where each
 * function is described. Several results come as an array; optional functions are nil for the firmware when absent.
 */
export interface NodeHal {
  serial(): string;
  epoch(): number;
  reset_cause(): number;
  ticks_us(): number;
  link_write(bytes: string): void;
  link_room(): number;
  gpio_mode(pin: number, mode: number): void;
  gpio_write(pin: number, level: number): void;
  gpio_read(pin: number): number;
  chain_write(bytes: string): void;
  trip_limit?(channel: number, code: number, for_ms?: number): void;
  trip_take(): [number, number, number] | undefined;
  i2c_xfer(bus: number, address: number, write: string, read: number): string | undefined;
  sweep_start(period_us: number, addresses: string, registers: string): boolean;
  sweep_take(): [string, number, number] | undefined;
  delay_us(us: number): void;
  edges_start(mask: number): void;
  edge_take?(): [number, number, number, number] | undefined;
  sampler_start?(period_us: number, rows: number): boolean;
  sampler_stop?(): void;
  sampler_keep?(on: boolean): void;
  sampler_energy?(): string;
  sampler_take?(): [string, number, number, number] | undefined;
  crc16?(bytes: string, init: number): number;
  sampler_range?(): string | undefined;
  wave_keep?(channel: number): boolean;
  wave_get?(back: number): [number, number, number, number, number] | undefined;
  wave_read?(back: number, first: number, count: number): string;
  flash_erase?(offset: number): void;
  flash_program?(offset: number, bytes: string): void;
  bundle_running?(): [number, number, number];
  bundle_hash?(): string;
  bundle_finish?(slot: number, size: number, hash: string): boolean;
  bundle_confirm?(): void;
  bundle_gave_way?(): string;
  bundle_restart?(): void;
  store_get?(key: string): string;
  store_set?(key: string, value: string): boolean;
  counters?(): number[];
  restart?(): void;
  heap_bytes(): number;
}
