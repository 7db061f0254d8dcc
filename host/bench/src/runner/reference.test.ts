import { expect, test } from "vitest";
import type { AgentApi } from "./agent-client.ts";
import { numericalError, ReferenceModels } from "./reference.ts";

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
const on = (runtime: AgentApi): ReferenceModels => new ReferenceModels(() => Promise.resolve(runtime));

test("largest and root-mean-square difference over all inputs and elements", async () => {
  const off = agent((value, i) => value + (i === 0 ? 3 : -1));
  expect(await numericalError(on(agent(exact)), model, off, sets)).toEqual({
    max_abs: 3,
    rmse: Math.sqrt(5),
  });
  const equal = await numericalError(on(agent(exact)), model, agent(exact), sets);
  expect(equal).toEqual({ max_abs: 0, rmse: 0 });
});

test("without a reference, with other inputs, with a failing one or with NaN there is a reason and no number", async () => {
  const with_ = (reference: ReferenceModels | undefined, target = agent(exact)) =>
    numericalError(reference, model, target, sets);
  expect(await with_(undefined)).toEqual({ refused: "there is no reference runtime on this host" });
  expect(await with_(new ReferenceModels(() => Promise.reject(new Error("no runtime"))))).toEqual({
    refused: "the reference could not be held against it: no runtime",
  });
  expect(await with_(on(agent(exact, "INT8")))).toEqual({
    refused: "the deployed model takes other inputs than the original",
  });
  expect(await with_(on(agent(() => Number.NaN)))).toEqual({
    refused: "outputs are no finite numbers",
  });
});

test("many boards at once have the reference of their own model, though all go by one name: each is loaded once, calls do not meet", async () => {
  const models = new Map<string, number>();
  let [loads, calls, most] = [0, 0, 0];
  const call = async <T>(body: () => T): Promise<T> => {
    calls += 1;
    most = Math.max(most, calls);
    await new Promise((resolve) => setImmediate(resolve));
    calls -= 1;
    return body();
  };
  // A model is a factor. One that is deployed takes the place of another of its name.
  const runtime: AgentApi = {
    ...agent(exact),
    deploy: (name, _, [factor = 0]) =>
      call(() => {
        loads += 1;
        models.set(name, factor);
      }),
    infer: (name, _, [raw]) =>
      call(() =>
        Float64Array.from(new Float32Array((raw as Uint8Array).slice().buffer)).map((v) => v * (models.get(name) ?? 0)),
      ),
  };
  const reference = on(runtime);
  const errors = await Promise.all(
    Array.from({ length: 11 }, (_, board) => {
      const factor = 2 + (board % 2);
      const target = agent((value) => value * factor);
      return numericalError(reference, { name: "kws", original: Uint8Array.of(factor) }, target, sets);
    }),
  );
  expect(errors).toEqual(errors.map(() => ({ max_abs: 0, rmse: 0 })));
  expect({ loads, most }).toEqual({ loads: 2, most: 1 });
});

test("a model that could not be loaded is loaded when it is asked for again, and costs nobody else", async () => {
  let refuses = true;
  const deploy = (): Promise<void> => (refuses ? Promise.reject(new Error("no memory")) : Promise.resolve());
  const reference = on({ ...agent(exact), deploy });
  await expect(reference.model(Uint8Array.of(1))).rejects.toThrow("no memory");
  refuses = false;
  expect((await reference.model(Uint8Array.of(1))).inputs).toHaveLength(1);
});
