// The process that converts large requests and answers (converter.ts). It ends with the agent.
import { type ConversionJob, convert } from "./conversions.ts";

process.on("message", (job: ConversionJob) => process.send?.(convert(job)));
process.on("disconnect", () => process.exit(0));
// A terminal's Ctrl-C reaches the whole group; the agent decides when this ends.
process.on("SIGINT", () => undefined);
