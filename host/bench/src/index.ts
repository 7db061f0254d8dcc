/** Experiments, results and reports: the only door of the package. */
export { analyzeFile } from "./analyze-file.ts";
export { checkFile, readExperiments } from "./configurator/experiment.ts";
export type { Experiment } from "./configurator/types.ts";
export type { Env } from "./configurator/variables.ts";
export {
  type Analysis,
  analyzeModel,
  type GeneratedName,
  generatedModels,
  generateModel,
  generateRelu,
} from "./onnx/index.ts";
export { finished, type NodeStatus, type RunState, replay, statuses } from "./orchestrator/machine.ts";
export { type RunRow, SqliteJournal } from "./orchestrator/sqlite-journal.ts";
export { work } from "./orchestrator/worker.ts";
export { forwardPhases, type NodeSpec, type RunEvent } from "./orchestrator/workflow.ts";
export { reportOf } from "./report/report.ts";
export { simulatedParts, simulatedText } from "./report/simulated.ts";
export { renderTable } from "./report/table.ts";
export { circumstanceText } from "./results/circumstances.ts";
export { compareRuns, explain, movedBy } from "./results/compare.ts";
export { driftOf, driftText } from "./results/drift.ts";
export { energyPerInference } from "./results/energy.ts";
export { toCsv } from "./results/export.ts";
export { type Imported, importResults } from "./results/import.ts";
export { findRun, listRuns } from "./results/library.ts";
export { mlperfLayout } from "./results/mlperf-layout.ts";
export { type Axis, axes, paretoFront } from "./results/pareto.ts";
export type { ResultRecord, RunDocument, Verdict } from "./results/record.ts";
export { isResultsError } from "./results/results-error.ts";
export { type AgentApi, grpcAgent } from "./runner/agent-client.ts";
export { watchAgents } from "./runner/agents.ts";
export { type BayAddress, httpBay, RunError } from "./runner/bay-api.ts";
export type { RunPorts } from "./runner/boards.ts";
export { namedClasses } from "./runner/named-classes.ts";
export { type Replay, replayRun } from "./runner/replay-run.ts";
export { type Progress, type RunOptions, resumeRun, runExperiments, runWith } from "./runner/run.ts";
export { documentOf, hasDocument } from "./runner/run-document.ts";
