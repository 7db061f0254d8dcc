import { monitoringFlash } from "@mltb/hardware";
import { createFlash, type Flash } from "../src/index.ts";

/** One erase or program, as the chip was told. */
export type Operation = { erase: number } | { program: number; data: Uint8Array };

/** Notes every operation of a flash from here on. */
export function record(flash: Flash): Operation[] {
  const operations: Operation[] = [];
  const { erase, program } = flash;
  flash.erase = (address) => {
    operations.push({ erase: address });
    return erase(address);
  };
  flash.program = (address, data) => {
    operations.push({ program: address, data: Uint8Array.from(data) });
    return program(address, data);
  };
  return operations;
}

function perform(flash: Flash, operation: Operation): void {
  if ("erase" in operation) flash.erase(operation.erase);
  else flash.program(operation.program, operation.data);
}

/**
 * A chip on which the operations run one after the other, seen after the power failed in the middle of each: number of the
 * operation, and the chip. What is done to it between two of them does not last. The seed decides which bits an operation
 * without power has reached.
 */
export function* cuts(operations: Operation[], seed: number): Generator<[number, Flash]> {
  const flash = createFlash(seed);
  const { area, area_bytes } = monitoringFlash;
  for (const [n, operation] of operations.entries()) {
    const before = flash.bytes.slice(area, area + area_bytes);
    flash.cutAt(flash.operations());
    perform(flash, operation);
    yield [n, flash];
    flash.bytes.set(before, area);
    flash.onCut = undefined;
    perform(flash, operation);
  }
}
