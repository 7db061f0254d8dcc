/** A pad at the edge of the module: its number there, and what it carries. */
export interface HeaderPad {
  pad: number;
  /** Number of the RP2040's pin, for pads that are one. */
  gpio: number | null;
  name: string;
}

const gpio = (pad: number, pin: number): HeaderPad => ({ pad, gpio: pin, name: `GP${pin}` });
const power = (pad: number, name: string): HeaderPad => ({ pad, gpio: null, name });

/** The 40 edge pads of a Raspberry Pi Pico (data sheet, 2.1, figure 4), pad 1 beside the USB connector, counted around. */
export const picoPads: readonly HeaderPad[] = [
  ...[gpio(1, 0), gpio(2, 1), power(3, "GND"), gpio(4, 2), gpio(5, 3), gpio(6, 4), gpio(7, 5), power(8, "GND")],
  ...[gpio(9, 6), gpio(10, 7), gpio(11, 8), gpio(12, 9), power(13, "GND"), gpio(14, 10), gpio(15, 11), gpio(16, 12)],
  ...[gpio(17, 13), power(18, "GND"), gpio(19, 14), gpio(20, 15), gpio(21, 16), gpio(22, 17), power(23, "GND")],
  ...[gpio(24, 18), gpio(25, 19), gpio(26, 20), gpio(27, 21), power(28, "GND"), gpio(29, 22), power(30, "RUN")],
  ...[gpio(31, 26), gpio(32, 27), power(33, "AGND"), gpio(34, 28), power(35, "ADC_VREF"), power(36, "3V3(OUT)")],
  ...[power(37, "3V3_EN"), power(38, "GND"), power(39, "VSYS"), power(40, "VBUS")],
];

/** What the module itself does with the pins that it does not bring out (Pico data sheet, 2.1). */
export const picoInternal: Record<number, string> = {
  23: "power-save mode of the module's converter",
  24: "sense of the USB voltage",
  25: "the module's LED",
  29: "a third of VSYS, for the converter",
};

/** The pad of a pin, or undefined where the module has none for it. */
export function picoPad(pin: number): HeaderPad | undefined {
  return picoPads.find((pad) => pad.gpio === pin);
}
