import type { Readable } from "node:stream";
import { ReadlineParser } from "@serialport/parser-readline";

const LINE_BYTES = 2000;

/** Reads a target's console line by line; returns the function that stops it. Over-long lines are cut. */
export function watchConsole(stream: Readable | undefined, onLine: (line: string) => void): () => void {
  if (stream === undefined) return () => undefined;
  const parser = stream.pipe(new ReadlineParser({ delimiter: "\n", encoding: "utf8" }));
  parser.on("data", (line: string) => onLine(line.replace(/\r$/, "").slice(0, LINE_BYTES)));
  return () => {
    stream.unpipe(parser);
    parser.destroy();
  };
}
