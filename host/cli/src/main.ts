import { registerAgent } from "./commands/agent.ts";
import { registerAnalyze } from "./commands/analyze.ts";
import { registerBench } from "./commands/bench.ts";
import { registerConsole } from "./commands/console.ts";
import { registerEnergy } from "./commands/energy.ts";
import { registerExperiment } from "./commands/experiment.ts";
import { registerFirmware } from "./commands/firmware.ts";
import { registerLease } from "./commands/lease.ts";
import { registerLog } from "./commands/log.ts";
import { registerPanel } from "./commands/panel.ts";
import { registerPower } from "./commands/power.ts";
import { registerResults } from "./commands/results.ts";
import { registerRun } from "./commands/run.ts";
import { registerSimulate } from "./commands/simulate.ts";
import { registerStatus } from "./commands/status.ts";
import { registerToken } from "./commands/token.ts";
import { registerTools } from "./commands/tools.ts";
import { registerTrace } from "./commands/trace.ts";
import { registerUp } from "./commands/up.ts";
import { createProgram, runProgram } from "./program.ts";

/** The `mltb` command line. */
export async function main(argv: string[]): Promise<void> {
  const program = createProgram("0.1.0");
  registerUp(program);
  registerRun(program);
  registerBench(program);
  registerExperiment(program);
  registerResults(program);
  registerStatus(program);
  registerPower(program);
  registerPanel(program);
  registerLease(program);
  registerLog(program);
  registerConsole(program);
  registerEnergy(program);
  registerFirmware(program);
  registerToken(program);
  registerTrace(program);
  registerSimulate(program);
  registerAgent(program);
  registerAnalyze(program);
  registerTools(program);
  await runProgram(program, argv);
}
