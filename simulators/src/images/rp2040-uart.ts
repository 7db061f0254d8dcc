import type { RP2040, Simulator } from "rp2040js";

/** One character of ten bits at 921,600 baud. */
const CHARACTER_NS = 10_851;
const FIFO = 32;
/** The level that the image sets for the transmit interrupt: a quarter full. */
const TX_LEVEL = 8;
const UART_DR = 0x00;
const UART_FR = 0x18;
const DR_OE = 1 << 11;
const FR_TXFE = 1 << 7;
const FR_TXFF = 1 << 5;
const FR_BUSY = 1 << 3;
const TX_INTERRUPT = 1 << 5;

export interface UartLine {
  /** Characters to the chip, one after the other in their time. */
  receive(bytes: string): void;
  /** Characters that found the receive FIFO full. */
  overflows(): number;
  /** The controller was reset: what waited to be sent is gone. */
  reset(): void;
}

/** What the emulator's types keep private. */
interface Internals {
  rxFIFO: { itemCount: number };
  irq: number;
  interruptStatus: number;
  interruptMask: number;
  checkInterrupts(): void;
}

/**
 * Gives a UART of the emulator the time of its characters in both directions (4.2). The emulator sends at once and its
 * transmit FIFO is never full, so that an interrupt which fills it would go on until nothing waits; and it leaves out the
 * overrun flag beside the character (UARTDR.OE, 4.2.8).
 */
export function attachUart(
  chip: RP2040,
  clock: Simulator["clock"],
  uart: RP2040["uart"][0],
  onByte: (byte: number) => void,
): UartLine {
  const internals = uart as unknown as Internals;
  let pending = "";
  let overflows = 0;
  let overrun = false;
  let fifo: number[] = [];
  /** In the shift register. */
  let sent: number | undefined;

  internals.checkInterrupts = () =>
    chip.setInterrupt(internals.irq, (internals.interruptStatus & internals.interruptMask) !== 0);

  function shift(): void {
    sent = fifo.shift();
    if (sent === undefined) return;
    transmitter.schedule(CHARACTER_NS);
    if (fifo.length !== TX_LEVEL) return;
    internals.interruptStatus |= TX_INTERRUPT;
    internals.checkInterrupts();
  }
  const transmitter = clock.createAlarm(() => {
    if (sent !== undefined) onByte(sent);
    shift();
  });
  uart.onByte = (byte) => {
    if (fifo.length === FIFO) return;
    fifo.push(byte);
    if (sent === undefined) shift();
    if (fifo.length <= TX_LEVEL) return;
    internals.interruptStatus &= ~TX_INTERRUPT;
    internals.checkInterrupts();
  };

  const read = uart.readUint32.bind(uart);
  uart.readUint32 = (offset) => {
    const value = read(offset);
    if (offset === UART_FR) {
      const level = fifo.length === FIFO ? FR_TXFF : fifo.length === 0 ? FR_TXFE : 0;
      return (value & ~FR_TXFE) | level | (sent === undefined ? 0 : FR_BUSY);
    }
    if (offset !== UART_DR || !overrun) return value;
    overrun = false;
    return value | DR_OE;
  };

  const receiver = clock.createAlarm(() => {
    if (pending.length === 0) return;
    // The model's FIFO throws the byte away when it is full, as the part does.
    if (internals.rxFIFO.itemCount === FIFO) {
      overflows += 1;
      overrun = true;
    }
    uart.feedByte(pending.charCodeAt(0));
    pending = pending.slice(1);
    if (pending.length > 0) receiver.schedule(CHARACTER_NS);
  });
  return {
    receive(bytes) {
      if (pending === "") receiver.schedule(CHARACTER_NS);
      pending += bytes;
    },
    overflows: () => overflows,
    reset() {
      transmitter.cancel();
      fifo = [];
      sent = undefined;
      internals.interruptStatus &= ~TX_INTERRUPT;
    },
  };
}
