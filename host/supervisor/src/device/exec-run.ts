import { execFile } from "node:child_process";

/** Output of a command that is read; more ends it. */
const OUTPUT_BYTES = 65_536;

/** How a command ended. `text` is its output, or why it failed. */
export interface ExecResult {
  ok: boolean;
  text: string;
}

/** A command for one target: `{target}` and `{channel}` in its items stand for those. */
export function filled(command: string[], of: { target: string; channel: number }): string[] {
  return command.map((item) => item.replaceAll("{target}", of.target).replaceAll("{channel}", String(of.channel)));
}

/** Runs a command given as a list, without a shell. It is killed after the time limit. Never rejects. */
export function runCommand(
  command: string[],
  of: { target: string; channel: number },
  limit_ms: number,
): Promise<ExecResult> {
  const [file = "", ...args] = filled(command, of);
  const env = { ...process.env, MLTB_TARGET: of.target, MLTB_CHANNEL: String(of.channel) };
  return new Promise((resolve) => {
    const options = { timeout: limit_ms, killSignal: "SIGKILL", maxBuffer: OUTPUT_BYTES, env } as const;
    execFile(file, args, options, (error, stdout, stderr) => {
      if (error === null) {
        resolve({ ok: true, text: stdout.trim() });
        return;
      }
      const said = (stderr.trim() || stdout.trim()).split("\n").at(-1) ?? "";
      const why =
        error.killed === true && typeof error.code !== "string"
          ? `took longer than ${limit_ms / 1000} s and was killed`
          : typeof error.code === "number"
            ? `ended with ${error.code}`
            : error.signal
              ? `was ended by ${error.signal}`
              : error.message;
      resolve({ ok: false, text: `${file} ${why}${said === "" ? "" : `: ${said}`}` });
    });
  });
}
