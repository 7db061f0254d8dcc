import { datatype, elements, joinBytes } from "../datatypes.ts";
import { invalid } from "../errors.ts";
import type { Tensor } from "../runtimes/runtime.ts";
import { rawToValues } from "./contents.ts";

/**
 * The classification extension: the `count` highest values of an output as BYTES `VALUE:INDEX`, six decimals, best first,
 * the earlier index first among equals. The last dimension holds the classes; the ones before it are kept.
 */
export function classify(tensor: Tensor, count: number, name: string): Tensor {
  const type = datatype(tensor.type);
  if (type === undefined || type.contents === null || type.oip === "BYTES" || type.oip === "BOOL")
    throw invalid(`output '${name}' of datatype ${tensor.type} cannot be classified`);
  if (!Number.isSafeInteger(count) || count < 1) throw invalid(`output '${name}': classification must be 1 or more`);
  const values = rawToValues(tensor.data, type).map(Number);
  const classes = tensor.dims.at(-1) ?? 1;
  const rows = classes === 0 ? 0 : elements(tensor.dims) / classes;
  const best = Math.min(count, classes);
  const parts: Uint8Array[] = [];
  for (let row = 0; row < rows; row += 1) {
    const order = Array.from({ length: classes }, (_, i) => i);
    const at = (i: number): number => values[row * classes + i] as number;
    order.sort((a, b) => at(b) - at(a) || a - b);
    for (const i of order.slice(0, best)) parts.push(Buffer.from(`${at(i).toFixed(6)}:${i}`));
  }
  return { type: "BYTES", dims: [...tensor.dims.slice(0, -1), best], data: joinBytes(parts) };
}
