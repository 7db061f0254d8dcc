import { registerAgent } from "./commands/agent.ts";
import { registerAnalyze } from "./commands/analyze.ts";
import { registerBench } from "./commands/bench.ts";
import { registerCalibration } from "./commands/calibration.ts";
import { registerConsole } from "./commands/console.ts";
import { registerDoctor } from "./commands/doctor.ts";
import { registerEnergy } from "./commands/energy.ts";
import { registerExperiment } from "./commands/experiment.ts";
import { registerFaults } from "./commands/faults.ts";
import { registerFirmware } from "./commands/firmware.ts";
import { registerHealth } from "./commands/health.ts";
import { registerLease } from "./commands/lease.ts";
import { registerLocate } from "./commands/locate.ts";
import { registerLog } from "./commands/log.ts";
import { registerMarkers } from "./commands/markers.ts";
import { registerMetrics } from "./commands/metrics.ts";
import { registerPanel } from "./commands/panel.ts";
import { registerPower } from "./commands/power.ts";
import { registerReload } from "./commands/reload.ts";
import { registerResults } from "./commands/results.ts";
import { registerRun } from "./commands/run.ts";
import { registerSimulate } from "./commands/simulate.ts";
import { registerState } from "./commands/state.ts";
import { registerStatus } from "./commands/status.ts";
import { registerStrap } from "./commands/strap.ts";
import { registerToken } from "./commands/token.ts";
import { registerTools } from "./commands/tools.ts";
import { registerTrace } from "./commands/trace.ts";
import { registerUp } from "./commands/up.ts";
import { registerWatch } from "./commands/watch.ts";
import { type Command, createProgram, runProgram } from "./program.ts";

/** The `mltb` command line with all its commands. */
export function mltbProgram(): Command {
  const program = createProgram("0.1.0");
  registerUp(program);
  registerRun(program);
  registerBench(program);
  registerExperiment(program);
  registerResults(program);
  registerStatus(program);
  registerHealth(program);
  registerPower(program);
  registerStrap(program);
  registerMarkers(program);
  registerFaults(program);
  registerLocate(program);
  registerPanel(program);
  registerLease(program);
  registerLog(program);
  registerWatch(program);
  registerMetrics(program);
  registerState(program);
  registerConsole(program);
  registerEnergy(program);
  registerCalibration(program);
  registerFirmware(program);
  registerReload(program);
  registerDoctor(program);
  registerToken(program);
  registerTrace(program);
  registerSimulate(program);
  registerAgent(program);
  registerAnalyze(program);
  registerTools(program);
  return program;
}

/** Runs a command line; sets the exit code and never throws. */
export async function main(argv: string[]): Promise<void> {
  await runProgram(mltbProgram(), argv);
}
