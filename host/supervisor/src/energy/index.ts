/** The door for those who read energy traces without a bay. */
export { type EnergyTrace, readEnergyTrace, readTimestamps, type TraceWindow, traceWindows } from "./trace-import.ts";
