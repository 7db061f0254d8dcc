import { destination, type Logger, pino } from "pino";

/** Structured log on standard error, one JSON document a line; secrets never appear. */
export function createLog(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ["*.password", "*.token", "password", "token", "req.headers.authorization"],
    },
    destination({ fd: 2, sync: true }),
  );
}
