/** The door for those who read recordings and energy traces without a bay. */
export { Recording } from "./recording.ts";
export { encodeRecording, type RecordingFacts, readRecordingFile } from "./recording-file.ts";
export { type EnergyTrace, readEnergyTrace, readTimestamps, type TraceWindow, traceWindows } from "./trace-import.ts";
