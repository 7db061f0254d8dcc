import { type RP2040, Simulator } from "rp2040js";
import { expect, test } from "vitest";
import { attachUart } from "./rp2040-uart.ts";

const DR = 0x00;
const FR = 0x18;
const IMSC = 0x38;
const MIS = 0x40;
const TXFF = 1 << 5;
const TXFE = 1 << 7;
const BUSY = 1 << 3;
const INT_TX = 1 << 5;
const FIFO = 32;
const TX_LEVEL = 8;
/** Of ten bits at 921,600 baud, rounded up to whole nanoseconds. */
const CHARACTER_NS = 10_851;

function line() {
  const { clock, rp2040 } = new Simulator();
  const uart = rp2040.uart[1] as RP2040["uart"][0];
  const sent: number[] = [];
  const attached = attachUart(rp2040, clock, uart, (byte) => sent.push(byte));
  return { clock, uart, sent, attached };
}

test("a UART of the emulated RP2040 sends one character in its time; its FIFO is full with 32 behind the one under way", () => {
  const { clock, uart, sent } = line();
  expect(uart.readUint32(FR) & (TXFF | TXFE | BUSY)).toBe(TXFE);
  for (let byte = 0; byte < FIFO; byte += 1) uart.writeUint32(DR, byte);
  expect(uart.readUint32(FR) & (TXFF | TXFE | BUSY)).toBe(BUSY);
  uart.writeUint32(DR, FIFO);
  expect(uart.readUint32(FR) & (TXFF | TXFE | BUSY)).toBe(TXFF | BUSY);
  // What is written into a full FIFO is lost.
  uart.writeUint32(DR, 0xff);
  for (let count = 1; count <= FIFO + 1; count += 1) {
    clock.tick(CHARACTER_NS - 1);
    expect(sent).toHaveLength(count - 1);
    clock.tick(1);
    expect(sent).toHaveLength(count);
  }
  expect(sent).toEqual(Array.from({ length: FIFO + 1 }, (_, byte) => byte));
  expect(uart.readUint32(FR) & (TXFF | TXFE | BUSY)).toBe(TXFE);
});

test("its transmit interrupt comes when the FIFO has fallen to a quarter, and goes when it is filled again", () => {
  const { clock, uart } = line();
  uart.writeUint32(IMSC, INT_TX);
  const interrupt = (): boolean => (uart.readUint32(MIS) & INT_TX) !== 0;
  for (let byte = 0; byte <= FIFO; byte += 1) uart.writeUint32(DR, byte);
  expect(interrupt()).toBe(false);
  clock.tick(CHARACTER_NS * (FIFO - TX_LEVEL) - 1);
  expect(interrupt()).toBe(false);
  clock.tick(1);
  expect(interrupt()).toBe(true);
  uart.writeUint32(DR, 0);
  expect(interrupt()).toBe(false);
});

test("a reset of the controller forgets what waited", () => {
  const { clock, uart, sent, attached } = line();
  for (let byte = 0; byte < FIFO; byte += 1) uart.writeUint32(DR, byte);
  attached.reset();
  clock.tick(CHARACTER_NS * FIFO);
  expect(sent).toEqual([]);
  uart.writeUint32(DR, 7);
  clock.tick(CHARACTER_NS);
  expect(sent).toEqual([7]);
});
