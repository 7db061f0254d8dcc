import { expect, test } from "vitest";
import type { AgentApi } from "./agent-client.ts";
import { numericalError } from "./reference.ts";

/** An agent whose output is its input, changed. */
function agent(change: (value: number, i: number) => number, datatype = "FP32"): AgentApi {
  return {
    deploy: () => Promise.resolve(),
    inputs: () => Promise.resolve([{ name: "x", datatype, shape: [1, 2] }]),
    infer: (_, __, [raw]) => {
      const bytes = raw as Uint8Array;
      return Promise.resolve(Float64Array.from(new Float32Array(bytes.slice().buffer)).map(change));
    },
    measure: () => Promise.reject(new Error("nothing is measured here")),
    live: () => Promise.resolve(true),
    close: () => undefined,
  };
}

const model = { name: "m", original: new Uint8Array([1]) };
const sets = [[new Uint8Array(Float32Array.of(1, 2).buffer)], [new Uint8Array(Float32Array.of(3, 4).buffer)]];
const exact = (value: number): number => value;

test("largest and root-mean-square difference over all inputs and elements", async () => {
  const off = agent((value, i) => value + (i === 0 ? 3 : -1));
  expect(await numericalError(() => Promise.resolve(agent(exact)), model, off, sets)).toEqual({
    max_abs: 3,
    rmse: Math.sqrt(5),
  });
  const equal = await numericalError(() => Promise.resolve(agent(exact)), model, agent(exact), sets);
  expect(equal).toEqual({ max_abs: 0, rmse: 0 });
});

test("without a reference, with other inputs, with a failing one or with NaN there is a reason and no number", async () => {
  const with_ = (open: Parameters<typeof numericalError>[0], target = agent(exact)) =>
    numericalError(open, model, target, sets);
  expect(await with_(undefined)).toEqual({ refused: "there is no reference runtime on this host" });
  expect(await with_(() => Promise.reject(new Error("no runtime")))).toEqual({
    refused: "the reference could not be held against it: no runtime",
  });
  expect(await with_(() => Promise.resolve(agent(exact, "INT8")))).toEqual({
    refused: "the deployed model takes other inputs than the original",
  });
  expect(await with_(() => Promise.resolve(agent(() => Number.NaN)))).toEqual({
    refused: "outputs are no finite numbers",
  });
});
