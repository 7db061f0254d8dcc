import type { ArtifactStore } from "@mltb/agent-kit";
import { afterEach, expect, test, vi } from "vitest";
import { ModelProcess } from "./process/model-process.ts";
import { Repository, type RepositoryOptions } from "./repository.ts";
import type { ModelSource } from "./runtimes/runtime.ts";

afterEach(() => vi.restoreAllMocks());

/** Stands for the process of a model. */
interface Fake {
  source: ModelSource;
  alive: boolean;
}

/** A repository whose models load when `loading` lets them; files of artefacts come when `filing` lets them. */
function made(steps: { filing?: (sha256: string) => Promise<void>; loading?: (file: string) => Promise<void> }) {
  vi.spyOn(ModelProcess, "start").mockImplementation(async ({ source }) => {
    await steps.loading?.(source.file);
    const fake = { source, alive: true, ended: undefined, pending: 0, inputs: [], outputs: [], stop: () => undefined };
    fake.stop = () => {
      Object.assign(fake, { alive: false, ended: "it was stopped" });
    };
    return fake as unknown as ModelProcess;
  });
  const fileFor = async (sha256: string): Promise<string> => {
    await steps.filing?.(sha256);
    return sha256;
  };
  const options: Partial<RepositoryOptions> = {
    ...{ artifacts: { fileFor } as unknown as ArtifactStore, runtime: "ort", threads: 1, note: () => undefined },
    process: {} as RepositoryOptions["process"],
  };
  return new Repository(options as RepositoryOptions);
}

/** A door that is opened once. */
function door(): { open: () => void; way: Promise<void> } {
  let open: () => void = () => undefined;
  const way = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, way };
}

const serving = async (repository: Repository): Promise<Fake> =>
  (await repository.process(repository.find("m", ""))) as unknown as Fake;

test("while another model is deployed under a name, the one before serves until it has its place, and nobody is turned away", async () => {
  const [filed, loaded] = [door(), door()];
  const repository = made({
    filing: (sha256) => (sha256 === "two" ? filed.way : Promise.resolve()),
    loading: (file) => (file === "two" ? loaded.way : Promise.resolve()),
  });
  await repository.deploy("m", "one");
  const second = repository.deploy("m", "two");
  const before = await serving(repository);
  expect([before.source.file, before.alive]).toEqual(["one", true]);
  filed.open();
  await new Promise((resolve) => setImmediate(resolve));
  expect(before.alive).toBe(false);
  const asked = serving(repository);
  loaded.open();
  await second;
  expect([(await asked).source.file, (await serving(repository)).source.file]).toEqual(["two", "two"]);
});

test("a deployment whose file is not there leaves the model that has the name", async () => {
  const repository = made({
    filing: (sha256) => (sha256 === "none" ? Promise.reject(new Error("none")) : Promise.resolve()),
  });
  await repository.deploy("m", "one");
  await expect(repository.deploy("m", "none")).rejects.toThrow("none");
  expect(await serving(repository)).toMatchObject({ source: { file: "one" }, alive: true });
});
