import type { Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ArtifactStore } from "@mltb/agent-kit";
import { IDENTIFIER } from "@mltb/contract";
import { AgentError, invalid } from "./errors.ts";
import { ModelProcess, type ModelProcessOptions } from "./process/model-process.ts";
import { runtimeChoice } from "./runtimes/index.ts";
import { modelsOf } from "./runtimes/oip.ts";
import type { ForeignServer } from "./runtimes/runtime.ts";
import { Statistics } from "./statistics.ts";

/** A deployed model has at most this size. */
export const MODEL_BYTES = 512 * 1024 * 1024;
/** Models that are loaded at once when the agent starts. */
const LOADING = 2;

/** Deployed models whose processes are kept; older ones that are idle start again when they are asked for. */
const KEPT = 4;

/** A version of a model. */
export interface Entry {
  name: string;
  version: string;
  file: string;
  statistics: Statistics;
  process?: Promise<ModelProcess>;
  loaded?: ModelProcess;
  /** Why it cannot serve: never loaded, unloaded, or what went wrong. */
  reason?: string;
  /** Its process was ended for room while nobody used it; whoever asks for it starts it again. */
  rested?: boolean;
  /** Taken out of service by a client; only a load brings it back. */
  unloaded: boolean;
  /** The version by which a foreign server has it, where it has and tells one. */
  foreign?: string;
  /** Threads of the runtime, where whoever deployed the model asked for a number. */
  threads?: number;
}

export interface RepositoryOptions {
  folder?: string;
  artifacts: ArtifactStore;
  runtime: string;
  /** The server that the runtime drives, where it drives one. */
  server?: ForeignServer | undefined;
  threads: number;
  process: Omit<ModelProcessOptions, "source" | "runtime">;
  /** Told of what is passed over and of models that cannot load. */
  note(text: string): void;
}

/** The models of an agent: those of a folder, and those deployed at run time. */
export class Repository {
  private readonly models = new Map<string, Map<string, Entry>>();
  private readonly options: RepositoryOptions;
  /** Names of deployed models, the latest last. */
  private readonly deployed = new Set<string>();

  constructor(options: RepositoryOptions) {
    this.options = options;
  }

  /** Finds the models of the folder and loads them; resolves when each has loaded or failed. */
  async open(): Promise<void> {
    await this.scan();
    const queue = this.entries();
    const worker = async (): Promise<void> => {
      for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
        await this.start(entry).catch((error: Error) => this.options.note(error.message));
      }
    };
    await Promise.all(Array.from({ length: LOADING }, worker));
  }

  /**
   * `DIR/NAME/VERSION/model.onnx` and `DIR/NAME.onnx` (version 1); with the runtime's ending. Known versions stay, and so does
   * what was deployed under a name. With `only` no other model is taken up: nobody would start it.
   */
  private async scan(only?: string): Promise<void> {
    const { folder, runtime, server } = this.options;
    if (server !== undefined) {
      const rows = await modelsOf(server).catch((error: Error) => {
        this.options.note(`the models of ${server.address} are not known: ${error.message}`);
        return [];
      });
      for (const { name, version } of rows) this.found(name, version === "" ? "1" : version, "", only, version);
    }
    if (folder === undefined) return;
    const { extension } = runtimeChoice(runtime);
    for (const item of (await readdir(folder)).sort()) {
      const path = join(folder, item);
      const about = await this.look(path);
      if (about?.isFile() === true && item.endsWith(extension))
        this.found(item.slice(0, -extension.length), "1", path, only);
      if (about?.isDirectory() !== true) continue;
      for (const version of (await readdir(path)).filter((entry) => /^[1-9]\d*$/.test(entry))) {
        const file = join(path, version, `model${extension}`);
        if ((await this.look(file))?.isFile() === true) this.found(item, version, file, only);
      }
    }
  }

  /** What lies at a path; where nothing can be seen there, that is noted. */
  private look(path: string): Promise<Stats | undefined> {
    return stat(path).catch((error: Error) => {
      this.options.note(`${path} is passed over: ${error.message}`);
      return undefined;
    });
  }

  private found(name: string, version: string, file: string, only: string | undefined, foreign = ""): void {
    if ((only === undefined || name === only) && !this.deployed.has(name)) this.add(name, version, file, foreign);
  }

  private add(name: string, version: string, file: string, foreign = ""): void {
    if (!IDENTIFIER.test(name)) {
      this.options.note(`${file} is passed over: ${name} is not a model name (${IDENTIFIER.source})`);
      return;
    }
    const versions = this.models.get(name) ?? new Map<string, Entry>();
    this.models.set(name, versions);
    if (versions.has(version)) return;
    const entry: Entry = { name, version, file, statistics: new Statistics(), unloaded: false, reason: "loading" };
    versions.set(version, foreign === "" ? entry : { ...entry, foreign });
  }

  /** Every version of every model. */
  entries(): Entry[] {
    return [...this.models.values()].flatMap((versions) => [...versions.values()]);
  }

  /** The entry of a name; without a version the highest one, which answers then. Undefined where there is none. */
  named(name: string, version: string): Entry | undefined {
    const versions = this.models.get(name);
    const highest = [...(versions?.keys() ?? [])].sort((a, b) => Number(b) - Number(a))[0] ?? "";
    return versions?.get(version === "" ? highest : version);
  }

  /** The entry of a name; without a version the highest one. Throws `not-found`. */
  find(name: string, version: string): Entry {
    if (!this.models.has(name)) throw new AgentError("not-found", `Request for unknown model: '${name}' is not found`);
    const entry = this.named(name, version);
    if (entry === undefined)
      throw new AgentError("not-found", `Request for unknown model: '${name}' version ${version} is not found`);
    if (entry.unloaded)
      throw new AgentError("not-found", `Request for unknown model: '${name}' has no available versions`);
    return entry;
  }

  /** Versions of a model that are not unloaded. */
  versions(name: string): string[] {
    return [...(this.models.get(name)?.values() ?? [])]
      .filter((entry) => !entry.unloaded)
      .map((entry) => entry.version);
  }

  /** The loaded model of an entry; loaded again where its process has died or rests. Throws `unavailable`. */
  async process(entry: Entry): Promise<ModelProcess> {
    // A process that was told to end lives on for a moment.
    if (entry.loaded?.alive === true && entry.rested !== true) return entry.loaded;
    if (entry.loaded === undefined && entry.process === undefined && entry.reason !== "loading")
      throw new AgentError("unavailable", `model ${entry.name} cannot be loaded: ${entry.reason}`);
    return this.start(entry);
  }

  /** Why an entry cannot serve now; undefined where it can, or will start again for whoever asks. */
  state(entry: Entry): string | undefined {
    if (entry.unloaded) return "unloaded";
    if (entry.rested === true) return undefined;
    return entry.loaded === undefined ? entry.reason : entry.loaded.ended;
  }

  private async start(entry: Entry): Promise<ModelProcess> {
    const { runtime, server, threads, process } = this.options;
    if (entry.process === undefined) {
      entry.loaded = undefined;
      entry.rested = false;
      entry.reason = "loading";
      const source = {
        name: entry.name,
        file: entry.file,
        threads: entry.threads ?? threads,
        ...(entry.foreign === undefined ? {} : { version: entry.foreign }),
        ...(server === undefined ? {} : { server }),
      };
      entry.process = ModelProcess.start({ ...process, source, runtime });
    }
    const mine = entry.process;
    try {
      const started = await mine;
      if (entry.process === mine) {
        entry.loaded = started;
        entry.process = undefined;
        delete entry.reason;
      }
      return started;
    } catch (error) {
      if (entry.process === mine) {
        entry.process = undefined;
        entry.reason = (error as Error).message;
      }
      throw new AgentError("unavailable", `model ${entry.name} cannot be loaded: ${(error as Error).message}`);
    }
  }

  /** Loads a model, or loads it again from its file: every version that can be. Throws `not-found`, and `unavailable` where one cannot. */
  async load(name: string): Promise<void> {
    await this.scan(name);
    const versions = [...(this.models.get(name)?.values() ?? [])];
    if (versions.length === 0)
      throw new AgentError("not-found", `failed to load '${name}': there is no such model in the repository`);
    const failed: string[] = [];
    for (const entry of versions) {
      const before = entry.loaded;
      entry.unloaded = false;
      entry.loaded = undefined;
      try {
        await this.start(entry);
      } catch (error) {
        const { message } = error as Error;
        failed.push(versions.length === 1 ? message : `version ${entry.version}: ${message}`);
      } finally {
        before?.stop();
      }
    }
    if (failed.length > 0) throw new AgentError("unavailable", failed.join("; "));
  }

  /** Takes a model out of service; nothing happens for an unknown name. */
  unload(name: string): void {
    for (const entry of this.models.get(name)?.values() ?? []) {
      entry.unloaded = true;
      stop(entry);
    }
  }

  /** Serves an artefact of the store under a name, as version 1, with `threads` of the runtime where given. It takes the place of a model that had the name. */
  async deploy(name: string, sha256: string, threads?: number): Promise<{ version: string; process: ModelProcess }> {
    if (!IDENTIFIER.test(name)) throw invalid(`${name} is not a model name (${IDENTIFIER.source})`);
    const { extension } = runtimeChoice(this.options.runtime);
    const file = await this.options.artifacts.fileFor(sha256, `model${extension}`);
    this.deployed.delete(name);
    this.deployed.add(name);
    // Who asks for the name meanwhile is served by the one before, and from now on waits for this one.
    const before = [...(this.models.get(name)?.values() ?? [])];
    this.models.delete(name);
    this.add(name, "1", file);
    for (const old of before) stop(old);
    const entry = this.find(name, "1");
    if (threads !== undefined) entry.threads = threads;
    const process = await this.start(this.find(name, "1"));
    this.rest();
    return { version: "1", process };
  }

  /** A sweep over many models must not leave a process for each: the oldest that are idle end. */
  private rest(): void {
    for (const name of [...this.deployed].slice(0, -KEPT)) {
      const entry = this.models.get(name)?.get("1");
      if (entry?.loaded?.alive !== true || entry.loaded.pending > 0) continue;
      entry.rested = true;
      entry.loaded.stop();
    }
  }

  /** Ends every model's process. */
  close(): void {
    for (const entry of this.entries()) stop(entry);
  }
}

function stop(entry: Entry): void {
  entry.loaded?.stop();
  entry.process?.then(
    (started) => started.stop(),
    () => undefined,
  );
  entry.loaded = undefined;
  entry.process = undefined;
  entry.reason = "unloaded";
}
