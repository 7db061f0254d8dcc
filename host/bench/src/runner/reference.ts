import { sha256 } from "../results/record.ts";
import type { AgentApi, ModelInput } from "./agent-client.ts";

/** Inputs on which a target is held against the reference. */
const COMPARED = 32;

/** A reference runtime on the host, as the composition root supplies it: opened when it is first wanted, closed by its owner. */
export type Reference = () => Promise<AgentApi>;

/** How far a target's first output is from the reference's over the same inputs; or why that is not known. */
export type NumericalError = { max_abs: number; rmse: number } | { refused: string };

/** Runs the same inputs through the unoptimised model on the host: largest and root-mean-square difference of the first output. */
export async function numericalError(
  open: Reference | undefined,
  model: { name: string; original: Uint8Array },
  agent: AgentApi,
  sets: Uint8Array[][],
): Promise<NumericalError> {
  if (open === undefined) return { refused: "there is no reference runtime on this host" };
  try {
    const reference = await open();
    await reference.deploy(model.name, sha256(model.original), model.original, 1);
    const [ours, theirs] = [await reference.inputs(model.name), await agent.inputs(model.name)];
    if (!same(ours, theirs)) return { refused: "the deployed model takes other inputs than the original" };
    let max_abs = 0;
    let squares = 0;
    let count = 0;
    for (const set of sets.slice(0, COMPARED)) {
      const expected = await reference.infer(model.name, ours, set);
      const found = await agent.infer(model.name, theirs, set);
      if (expected.length !== found.length) return { refused: "the deployed model gives another number of outputs" };
      for (const [i, value] of expected.entries()) {
        const difference = Math.abs(value - (found[i] as number));
        max_abs = Math.max(max_abs, difference);
        squares += difference ** 2;
        count += 1;
      }
    }
    return Number.isFinite(squares) && count > 0
      ? { max_abs, rmse: Math.sqrt(squares / count) }
      : { refused: "outputs are no finite numbers" };
  } catch (error) {
    return { refused: `the reference could not be held against it: ${(error as Error).message}` };
  }
}

function same(a: ModelInput[], b: ModelInput[]): boolean {
  const text = (inputs: ModelInput[]): string =>
    JSON.stringify(inputs.map(({ datatype, shape }) => ({ datatype, shape })));
  return text(a) === text(b);
}
