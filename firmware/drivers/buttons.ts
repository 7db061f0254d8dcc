import { Button, Press } from "@mltb/protocol";

/** Contacts settle within this. */
const DEBOUNCE_MS = 20;
const LONG_MS = 600;
const HELD_MS = 2000;

export interface ButtonDriver {
  /** Reads all buttons; calls `onPress` once a press. */
  tick(this: void, now_ms: number): void;
}

/**
 * Four push-buttons to ground with pull-ups. Up, Down and Select: `short` at release before 600 ms, `long` when that
 * is reached. Stop: `held` when 2 s are reached, `long` or `short` at an earlier release.
 */
export function createButtons(
  hal: Hal,
  pins: { up: number; down: number; select: number; stop: number },
  onPress: (this: void, button: number, press: number) => void,
): ButtonDriver {
  const list = [
    { pin: pins.up, button: Button.up as number },
    { pin: pins.down, button: Button.down as number },
    { pin: pins.select, button: Button.select as number },
    { pin: pins.stop, button: Button.stop as number },
  ];
  const down: boolean[] = [];
  const raw: number[] = [];
  const changed_ms: number[] = [];
  const pressed_ms: number[] = [];
  const told: boolean[] = [];
  for (const entry of list) {
    hal.gpio_mode(entry.pin, 2);
    down.push(false);
    raw.push(1);
    changed_ms.push(0);
    pressed_ms.push(0);
    told.push(false);
  }

  return {
    tick(this: void, now_ms: number): void {
      for (let i = 0; i < list.length; i += 1) {
        const entry = list[i] as { pin: number; button: number };
        const level = hal.gpio_read(entry.pin);
        if (level === 1 && raw[i] === 1 && down[i] === false) continue;
        if (level !== raw[i]) {
          raw[i] = level;
          changed_ms[i] = now_ms;
        }
        const settled = now_ms - (changed_ms[i] as number) >= DEBOUNCE_MS;
        const isDown = settled ? level === 0 : (down[i] as boolean);
        const threshold = entry.button === Button.stop ? HELD_MS : LONG_MS;
        const age = now_ms - (pressed_ms[i] as number);
        if (isDown && down[i] !== true) {
          pressed_ms[i] = changed_ms[i] as number;
          told[i] = false;
        } else if (isDown && told[i] !== true && age >= threshold) {
          told[i] = true;
          onPress(entry.button, entry.button === Button.stop ? Press.held : Press.long);
        } else if (!isDown && down[i] === true && told[i] !== true) {
          onPress(
            entry.button,
            (changed_ms[i] as number) - (pressed_ms[i] as number) >= LONG_MS ? Press.long : Press.short,
          );
        }
        down[i] = isDown;
      }
    },
  };
}
