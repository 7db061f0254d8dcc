import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ArtifactStore } from "@mltb/agent-kit";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import type { Converter } from "./oip/converter.ts";
import { InferenceServer } from "./oip/server.ts";
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
function made(
  steps: { filing?: (sha256: string) => Promise<void>; loading?: (file: string) => Promise<void> },
  folder?: string,
  note: (text: string) => void = () => undefined,
) {
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
    ...{ artifacts: { fileFor } as unknown as ArtifactStore, runtime: "ort", threads: 1, note },
    ...(folder === undefined ? {} : { folder }),
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

test("a load takes up its own model alone, and never brings the folder's model back under a name that was deployed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mltb-repository-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const notes: string[] = [];
  const repository = made({}, folder, (text) => notes.push(text));
  mkdirSync(join(folder, "hollow", "1"), { recursive: true });
  await repository.open();
  expect(notes).toEqual([expect.stringMatching(/hollow\/1\/model\.onnx is passed over: ENOENT/)]);
  for (const name of ["a.onnx", "b.onnx"]) writeFileSync(join(folder, name), "");
  await repository.load("a");
  expect(repository.entries().map(({ name }) => name)).toEqual(["a"]);
  await repository.deploy("a", "handed");
  mkdirSync(join(folder, "a", "2"), { recursive: true });
  writeFileSync(join(folder, "a", "2", "model.onnx"), "");
  await repository.load("b");
  await repository.load("a");
  expect(repository.versions("a")).toEqual(["1"]);
  expect(repository.find("a", "").file).toBe("handed");
});

test("of five deployed models the first has no process any more and is ready all the same; whoever asks for it is answered", async () => {
  const repository = made({});
  const server = new InferenceServer({ repository, version: "1", runtime: "ort", converter: {} as Converter });
  const names = ["m1", "m2", "m3", "m4", "m5"];
  for (const name of names) await repository.deploy(name, name);
  const entry = repository.find("m1", "");
  expect(entry.loaded?.alive).toBe(false);
  expect(names.map((name) => server.modelReady(name, ""))).toEqual(names.map(() => true));
  expect(server.index(true)).toEqual(names.map((name) => ({ name, version: "1", state: "READY", reason: "" })));
  expect(await repository.process(entry)).toMatchObject({ source: { file: "m1" }, alive: true });
  // What ends by itself is told.
  Object.assign(entry.loaded as object, { alive: false, ended: "the model's process ended (SIGSEGV)" });
  expect(server.modelReady("m1", "")).toBe(false);
});

test("a process that was told to end is not asked any more, though it has not ended yet; one that works is not told to", async () => {
  const repository = made({});
  await repository.deploy("m1", "m1");
  const entry = repository.find("m1", "");
  const first = entry.loaded as ModelProcess;
  const stop = vi.spyOn(first, "stop").mockImplementation(() => undefined);
  Object.assign(first, { pending: 1 });
  for (const name of ["m2", "m3", "m4", "m5"]) await repository.deploy(name, name);
  expect(stop).not.toHaveBeenCalled();
  Object.assign(first, { pending: 0 });
  await repository.deploy("m6", "m6");
  expect([stop.mock.calls.length, first.alive]).toEqual([1, true]);
  expect(await repository.process(entry)).not.toBe(first);
});

test("a model that rests and cannot be loaded again is not ready", async () => {
  let broken = false;
  const repository = made({
    loading: async () => (broken ? Promise.reject(new Error("its file is gone")) : undefined),
  });
  for (const name of ["m1", "m2", "m3", "m4", "m5"]) await repository.deploy(name, name);
  broken = true;
  const entry = repository.find("m1", "");
  await expect(repository.process(entry)).rejects.toThrow("its file is gone");
  expect(repository.state(entry)).toBe("its file is gone");
});
