import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IDENTIFIER } from "@mltb/contract";
import { AgentError } from "./errors.ts";
import { ModelProcess, type ModelProcessEvents } from "./process/model-process.ts";

/** A deployed model has at most this size. */
export const MODEL_BYTES = 512 * 1024 * 1024;

interface Entry {
  name: string;
  version: string;
  file: string;
  process?: Promise<ModelProcess>;
  /** Why it could not be loaded. */
  reason?: string;
}

/** The models of an agent: those of a folder, and those deployed at run time. Each is loaded when first needed. */
export class Repository {
  private readonly entries = new Map<string, Entry>();
  private readonly runtime: string;
  private readonly threads: number;
  private readonly deployFolder: string;
  private readonly events: ModelProcessEvents;

  constructor(options: {
    folder?: string;
    deployFolder: string;
    runtime: string;
    threads: number;
    events: ModelProcessEvents;
  }) {
    this.runtime = options.runtime;
    this.threads = options.threads;
    this.deployFolder = options.deployFolder;
    this.events = options.events;
    if (options.folder !== undefined) this.scan(options.folder);
  }

  /** `DIR/NAME/VERSION/model.onnx` and `DIR/NAME.onnx` (version 1). */
  private scan(folder: string): void {
    for (const item of readdirSync(folder, { withFileTypes: true })) {
      if (item.isFile() && item.name.endsWith(".onnx")) {
        const name = item.name.slice(0, -".onnx".length);
        this.add({ name, version: "1", file: join(folder, item.name) });
      } else if (item.isDirectory()) {
        for (const version of readdirSync(join(folder, item.name))) {
          const file = join(folder, item.name, version, "model.onnx");
          if (/^\d+$/.test(version) && existsSync(file) && statSync(file).isFile())
            this.add({ name: item.name, version, file });
        }
      }
    }
  }

  private add(entry: Entry): Entry {
    this.entries.set(`${entry.name} ${entry.version}`, entry);
    return entry;
  }

  list(): { name: string; version: string; ready: boolean; reason: string }[] {
    return [...this.entries.values()].map((entry) => ({
      name: entry.name,
      version: entry.version,
      ready: entry.process !== undefined && entry.reason === undefined,
      reason: entry.reason ?? "",
    }));
  }

  /** The entry of a name; without a version the highest one. Throws `not-found`. */
  private find(name: string, version: string): Entry {
    const candidates = [...this.entries.values()].filter((entry) => entry.name === name);
    const entry =
      version === ""
        ? candidates.sort((a, b) => Number(b.version) - Number(a.version))[0]
        : candidates.find((candidate) => candidate.version === version);
    if (entry !== undefined) return entry;
    const of = version === "" ? "" : ` version ${version}`;
    throw new AgentError("not-found", `unknown model ${name}${of}; see the repository index`);
  }

  /** The loaded model; loads it, or loads it again where its process has died. */
  async model(name: string, version: string): Promise<{ version: string; process: ModelProcess }> {
    const entry = this.find(name, version);
    const known = await entry.process?.catch(() => undefined);
    if (known?.alive === true) return { version: entry.version, process: known };
    entry.process = ModelProcess.start(entry.file, this.runtime, this.threads, this.events);
    try {
      const started = await entry.process;
      delete entry.reason;
      return { version: entry.version, process: started };
    } catch (error) {
      delete entry.process;
      entry.reason = (error as Error).message;
      throw new AgentError("unavailable", `model ${name} cannot be loaded: ${entry.reason}`);
    }
  }

  /** Whether the model is loaded and its process lives. Throws `not-found`. */
  async ready(name: string, version: string): Promise<boolean> {
    const loaded = await this.find(name, version).process?.catch(() => undefined);
    return loaded?.alive === true;
  }

  /** Stores and loads a model. It takes the place of a deployed one of the same name. */
  async deploy(name: string, sha256: string, bytes: Buffer): Promise<{ version: string; process: ModelProcess }> {
    if (!IDENTIFIER.test(name)) throw new AgentError("invalid-argument", `${name} is not a model name`);
    const actual = createHash("sha256").update(bytes).digest("hex");
    if (actual !== sha256) throw new AgentError("invalid-argument", `sha256 of the bytes is ${actual}, not ${sha256}`);
    mkdirSync(this.deployFolder, { recursive: true });
    const file = join(this.deployFolder, `${sha256}.onnx`);
    writeFileSync(file, bytes);
    await this.unload(name).catch(() => undefined);
    this.add({ name, version: "1", file });
    return this.model(name, "1");
  }

  async unload(name: string): Promise<void> {
    const entry = this.find(name, "");
    const loaded = await entry.process?.catch(() => undefined);
    delete entry.process;
    loaded?.stop();
  }

  async close(): Promise<void> {
    for (const entry of this.entries.values()) (await entry.process?.catch(() => undefined))?.stop();
    rmSync(this.deployFolder, { recursive: true, force: true });
  }
}
