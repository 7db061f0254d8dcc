import { closeSync, openSync, writeSync } from "node:fs";
import { AgentStartError } from "./start-error.ts";

/** The output of this board that is wired to the rack's marker input of its target. */
export interface Marker {
  set(level: 0 | 1): void;
  close(): void;
}

/**
 * A marker that is a file which takes `1` and `0`: `/sys/class/leds/NAME/brightness` of a pin that the device tree
 * declares as an LED (kernel documentation, leds-class), or `/sys/class/gpio/gpioN/value` where the kernel still has it.
 * It is low once it is open.
 *
 * @throws AgentStartError (usage) where the file cannot be written.
 */
export function openMarker(file: string): Marker {
  let line: number | undefined;
  // An attribute of sysfs takes a value at its start, and a plain file is not made longer.
  const set = (level: 0 | 1): void => {
    writeSync(line as number, `${level}\n`, 0);
  };
  try {
    line = openSync(file, "r+");
    set(0);
  } catch (error) {
    if (line !== undefined) closeSync(line);
    throw new AgentStartError(
      "usage",
      `marker ${file}: ${(error as Error).message}`,
      "a file is wanted that takes 1 and 0 and that this user may write, such as /sys/class/leds/NAME/brightness",
    );
  }
  return {
    set,
    close: () => {
      set(0);
      closeSync(line as number);
    },
  };
}
