/** A controller that carries the floor board: where each pin of the board's connector is. */
export interface FloorMachine {
  controller: string;
  /** Port letter and bit of every pin, in the order of the connector. */
  pins: { port: string; bit: number }[];
}

const row = (port: string, first: number): FloorMachine["pins"] =>
  [0, 1, 2, 3, 4, 5].map((n) => ({ port, bit: first + n }));

/** Controllers by the name of their image. Apart from the board's data, because Lua never sees them. */
export const floorMachines = {
  ast1030: { controller: "Aspeed AST1030 (Cortex-M4F)", pins: row("B", 0) },
  // D2 to D7: the machine's SD card has D0, UART 0 has A0 and A1, I2C 0 has B2 and B3.
  lm3s6965: { controller: "TI LM3S6965 (Cortex-M3)", pins: row("D", 2) },
} satisfies Record<string, FloorMachine>;
