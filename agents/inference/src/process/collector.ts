import { setFlagsFromString } from "node:v8";

/**
 * Tensors lie outside V8's heap. By default it collects everything whenever some ten megabytes of such memory have come: with
 * tensors of 150 kB every few dozen requests, which costs several milliseconds of processor time a request. With this flag
 * they count towards the same growing limit as the heap. To be called before the first tensor comes.
 */
export function countTensorsWithHeap(): void {
  // Older engines do not have the flag, and would say so on standard error.
  if (Number.parseInt(process.versions.node, 10) < 24) return;
  setFlagsFromString("--external-memory-accounted-in-global-limit");
}
