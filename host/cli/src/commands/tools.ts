import type { PythonTool, ToolState } from "@mltb/agent-kit";
import { cliError, Exit } from "../errors.ts";
import { columns } from "../output/target-text.ts";
import { action, type Command, type Context } from "../program.ts";

/** Every tool that MLTB can install. */
async function tools(): Promise<PythonTool[]> {
  const { litertTool } = await import("@mltb/agent-inference");
  return [litertTool];
}

function table(states: ToolState[]): string {
  return columns(states.map(({ name, version, state, reason }) => [name, version, state, reason]));
}

async function list(context: Context): Promise<number> {
  const { toolState } = await import("@mltb/agent-kit");
  const states = await Promise.all((await tools()).map(toolState));
  context.print(states, () => table(states));
  return Exit.done;
}

async function install(context: Context, name: string): Promise<number> {
  const { installTool, ToolError, toolState } = await import("@mltb/agent-kit");
  const all = await tools();
  const tool = all.find((entry) => entry.name === name);
  if (tool === undefined) {
    const known = all.map((entry) => entry.name).join(", ");
    throw cliError(Exit.usage, "unknown-tool", `there is no tool ${name}`, `one of ${known}`);
  }
  context.note(`installing ${name} ${tool.version} (${tool.pins.length} pinned packages) ...`);
  try {
    await installTool(tool, context.signal);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw cliError(Exit.unreachable, "tool-not-installed", error.message, error.suggestion);
  }
  const state = await toolState(tool);
  context.print(state, () => table([state]));
  return Exit.done;
}

/** `mltb tools`: what is installed, and installing it. */
export function registerTools(program: Command): void {
  const group = program
    .command("tools")
    .description("list and install the tools that run in environments of their own")
    .option("--json", "print one JSON document on standard output")
    .action(action(list));
  group
    .command("install")
    .description("make the pinned environment of a tool; done at once where it is there")
    .argument("<name>", "name of the tool, such as litert")
    .option("--json", "print one JSON document on standard output")
    .action(action(install));
}
