// The thread that converts large requests and answers (converter.ts).
import { parentPort } from "node:worker_threads";
import { type ConversionJob, convert } from "./conversions.ts";
import { buffersOf } from "./transfer.ts";

parentPort?.on("message", (job: ConversionJob) => {
  const reply = convert(job);
  parentPort?.postMessage(reply, buffersOf(reply));
});
