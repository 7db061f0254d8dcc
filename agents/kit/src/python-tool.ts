import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const interpreters = ["python3.11", "python3.12", "python3.13", "python3"];
const INSTALL_MS = 15 * 60_000;

/** A tool that runs in a Python environment of its own, with every package pinned. */
export interface PythonTool {
  name: string;
  version: string;
  /** `NAME==VERSION` of the tool and of all that it needs. */
  pins: readonly string[];
}

export interface ToolState {
  name: string;
  version: string;
  state: "ready" | "installable" | "not-available";
  reason: string;
}

/** Why a tool cannot be had, and the mend. */
export class ToolError extends Error {
  readonly suggestion: string | undefined;

  constructor(message: string, suggestion?: string) {
    super(message);
    this.suggestion = suggestion;
  }
}

/** `MLTB_TOOLS`, else `$XDG_DATA_HOME/mltb/tools`. */
function toolsFolder(): string {
  const own = process.env["MLTB_TOOLS"];
  if (own !== undefined && own !== "") return own;
  return join(process.env["XDG_DATA_HOME"] || join(homedir(), ".local", "share"), "mltb", "tools");
}

/** Other pins are another environment: a result names the one that it was made with. */
function folderOf(tool: PythonTool): string {
  const hash = createHash("sha256").update(tool.pins.join("\n")).digest("hex").slice(0, 12);
  return join(toolsFolder(), `${tool.name}-${tool.version}-${hash}`);
}

/** Interpreter of an installed tool; undefined where it is not installed. */
export function toolPython(tool: PythonTool): string | undefined {
  const folder = folderOf(tool);
  return existsSync(join(folder, "complete")) ? join(folder, "bin", "python") : undefined;
}

async function findPython(): Promise<string | undefined> {
  const probe = "import sys, venv, ensurepip; assert sys.version_info >= (3, 11); print(sys.executable)";
  for (const name of interpreters) {
    try {
      return (await run(name, ["-c", probe])).stdout.trim();
    } catch {
      // Not there, too old, or without venv: the next one may do.
    }
  }
  return undefined;
}

const noPython = "there is no Python 3.11 or newer with venv";
const mend = "install one (Debian: apt-get install python3-venv)";

/** Whether a tool is there, or could be. */
export async function toolState(tool: PythonTool): Promise<ToolState> {
  const { name, version } = tool;
  if (toolPython(tool) !== undefined) return { name, version, state: "ready", reason: "" };
  if ((await findPython()) === undefined) return { name, version, state: "not-available", reason: noPython };
  return { name, version, state: "installable", reason: `run: mltb tools install ${name}` };
}

/** Makes the environment of a tool where it is not there yet; gives its interpreter. Throws `ToolError`. */
export async function installTool(tool: PythonTool, signal?: AbortSignal): Promise<string> {
  const there = toolPython(tool);
  if (there !== undefined) return there;
  const python = await findPython();
  if (python === undefined) throw new ToolError(noPython, mend);
  const folder = folderOf(tool);
  mkdirSync(toolsFolder(), { recursive: true });
  // A half-made environment is another folder; its name is taken when everything is in it. Scripts with the old path in
  // their first line are never called: tools run as `python -m` or as files of ours.
  const making = `${folder}.${process.pid}`;
  try {
    await run(python, ["-m", "venv", making], { signal });
    const pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", ...tool.pins];
    await run(join(making, "bin", "python"), pip, { timeout: INSTALL_MS, maxBuffer: 64 << 20, signal });
    writeFileSync(join(making, "complete"), `${tool.pins.join("\n")}\n`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    const { stderr, message } = error as Error & { stderr?: string };
    throw new ToolError(`${tool.name} cannot be installed: ${(stderr || message).trim().split("\n").at(-1)}`);
  }
  return join(folder, "bin", "python");
}
