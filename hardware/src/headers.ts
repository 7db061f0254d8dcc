import type { MonitoringBoard, PinUse } from "./types.ts";

/** Names and numbers of pins as constants: `converter_rx` is `PIN_CONVERTER_RX`. */
export function pinConstants(pins: readonly PinUse[]): [name: string, pin: number][] {
  return pins.map(({ name, pin }) => [`PIN_${name.toUpperCase()}`, pin]);
}

const notice = (title: string): string =>
  `Pins of the ${title}. Generated from hardware/src by \`npm run -s hardware -- docs\`; do not edit.`;

/** A header for C that needs nothing else. */
export function pinHeaderC(title: string, pins: readonly PinUse[]): string {
  const lines = pins.map(({ name, pin, use }) => `#define PIN_${name.toUpperCase()} ${pin}u /* ${use} */`);
  return `/* ${notice(title)} */\n#pragma once\n${lines.join("\n")}\n`;
}

/** The same for TypeScript: one constant object, whose keys are the names as they stand in the data. */
export function pinHeaderTs(title: string, pins: readonly PinUse[]): string {
  const lines = pins.map(({ name, pin, use }) => `  /** ${use} */\n  ${name}: ${pin},`);
  return `/** ${notice(title)} */\nexport const pins = {\n${lines.join("\n")}\n} as const;\n`;
}

/** What a bay file's limits are held to, for a package that imports no other. */
export function ratingsTs({ limits }: Pick<MonitoringBoard, "limits">): string {
  const { rated_a, hard_a, inrush_a, inrush_ms } = limits;
  const lines = Object.entries({ rated_a, hard_a, inrush_a, inrush_ms }).map(([name, value]) => `  ${name}: ${value},`);
  return `/** Ratings of a channel. Generated from hardware/src by \`npm run -s hardware -- docs\`; do not edit. */\nexport const ratings = {\n${lines.join("\n")}\n} as const;\n`;
}
