import { sha256 } from "../results/record.ts";
import type { AgentApi, ModelInput } from "./agent-client.ts";

/** Inputs on which a target is held against the reference. */
const COMPARED = 32;

/** A reference runtime on the host, as the composition root supplies it: opened when it is first wanted, closed by its owner. */
export type Reference = () => Promise<AgentApi>;

/** A model on the reference runtime. */
interface ReferenceModel {
  inputs: ModelInput[];
  /** Runs one input set; gives the first output as numbers. */
  infer(raw: Uint8Array[]): Promise<Float64Array>;
}

/**
 * The reference runtime as all boards of a run share it. Models go by their content: two of one name are two, and one that many
 * boards ask for is loaded once. Calls come one after the other, because a runtime that has loaded many models ends those
 * that nobody is calling.
 */
export class ReferenceModels {
  private readonly open: Reference;
  private readonly loaded = new Map<string, ModelInput[]>();
  private turn: Promise<unknown> = Promise.resolve();

  constructor(open: Reference) {
    this.open = open;
  }

  /** Loads a model where it is not loaded. Rejects where there is no runtime or it does not take the model. */
  async model(bytes: Uint8Array): Promise<ReferenceModel> {
    const hash = sha256(bytes);
    const name = `ref-${hash.slice(0, 32)}`;
    const inputs = await this.alone(async (agent) => {
      const known = this.loaded.get(hash);
      if (known !== undefined) return known;
      await agent.deploy(name, hash, bytes, 1);
      const found = await agent.inputs(name);
      this.loaded.set(hash, found);
      return found;
    });
    return { inputs, infer: (raw) => this.alone((agent) => agent.infer(name, inputs, raw)) };
  }

  private alone<T>(use: (agent: AgentApi) => Promise<T>): Promise<T> {
    const mine = this.turn.then(async () => use(await this.open()));
    // Whoever asked for this turn gets its error; the turns after it only wait for its end.
    this.turn = mine.catch(() => undefined);
    return mine;
  }
}

/** How far a target's first output is from the reference's over the same inputs; or why that is not known. */
export type NumericalError = { max_abs: number; rmse: number } | { refused: string };

/** Runs the same inputs through the unoptimised model on the host: largest and root-mean-square difference of the first output. */
export async function numericalError(
  reference: ReferenceModels | undefined,
  model: { name: string; original: Uint8Array },
  agent: AgentApi,
  sets: Uint8Array[][],
): Promise<NumericalError> {
  if (reference === undefined) return { refused: "there is no reference runtime on this host" };
  try {
    const original = await reference.model(model.original);
    const theirs = await agent.inputs(model.name);
    if (!same(original.inputs, theirs)) return { refused: "the deployed model takes other inputs than the original" };
    let max_abs = 0;
    let squares = 0;
    let count = 0;
    for (const set of sets.slice(0, COMPARED)) {
      const expected = await original.infer(set);
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
