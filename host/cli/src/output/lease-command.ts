import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { BayClient } from "../client/bay-client.ts";
import type { Lease } from "../client/lease.ts";
import { CliError, cliError, Exit } from "../errors.ts";
import type { Context } from "../program.ts";

const REATTACH_MS = 500;
/** A command that was asked to end gets this long before it is killed. */
const GRACE_MS = 10_000;

/**
 * Runs a command while a lease is held, then releases it; returns the command's exit code, 128 and its number where a
 * signal ended it, 130 where this program was interrupted. A command whose lease ends before it does is ended (SIGTERM):
 * its targets may be another's. The lease is bound to an open connection: it also ends when this program is killed.
 */
export async function runUnderLease(
  context: Context,
  bay: BayClient,
  lease: Lease,
  command: string[],
  renew_s: number | undefined,
): Promise<number> {
  const done = new AbortController();
  let releasing = false;
  const warn = (text: string): void => {
    if (!releasing) context.note(`warning: ${text}`);
  };
  const lost = new AbortController();
  await new Promise<void>((attached) => {
    void hold(bay, lease.id, done.signal, warn, attached).finally(() => lost.abort());
  });
  const path = `/api/v1/leases/${encodeURIComponent(lease.id)}`;
  const renewal =
    renew_s === undefined
      ? undefined
      : setInterval(
          () => {
            // A bay that is just being restarted is asked again at the next turn; `hold` tells when the lease is lost.
            bay.call("PUT", path, { ttl_s: renew_s }).catch(() => undefined);
          },
          (renew_s * 1000) / 3,
        );
  context.note(`lease ${lease.id} of ${lease.targets.join(", ")}`);
  try {
    return await runCommand(context, bay, lease, command, lost.signal);
  } finally {
    clearInterval(renewal);
    releasing = true;
    await bay.call("DELETE", path).catch((error: unknown) => {
      context.note(`warning: lease ${lease.id} could not be released: ${(error as Error).message}`);
    });
    done.abort();
  }
}

function runCommand(
  context: Context,
  bay: BayClient,
  lease: Lease,
  command: string[],
  lost: AbortSignal,
): Promise<number> {
  const [file = "", ...args] = command;
  const env = {
    ...process.env,
    MLTB_LEASE: lease.id,
    MLTB_TARGETS: lease.targets.join(" "),
    ...(bay.tokenFile === undefined ? {} : { MLTB_URL: bay.url, MLTB_TOKEN_FILE: bay.tokenFile }),
  };
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: "inherit", env });
    let killer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      const signal = context.signal.reason as NodeJS.Signals;
      // A terminal sends Ctrl-C to the command too.
      if (signal !== "SIGINT" || process.stdin.isTTY !== true) child.kill(signal);
      killer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
    };
    const onLost = (): void => {
      child.kill("SIGTERM");
      killer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
    };
    context.signal.addEventListener("abort", onAbort, { once: true });
    if (lost.aborted) onLost();
    else lost.addEventListener("abort", onLost, { once: true });
    child.once("error", (error) => {
      reject(cliError(Exit.usage, "command", `${file} cannot be run: ${error.message}`));
    });
    child.once("exit", (code, signal) => {
      clearTimeout(killer);
      context.signal.removeEventListener("abort", onAbort);
      lost.removeEventListener("abort", onLost);
      if (context.signal.aborted) resolve(Exit.interrupted);
      else if (lost.aborted) resolve(Exit.refused);
      else resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** Keeps a connection open to which the lease is bound; opens it again when the bay was restarted. */
async function hold(
  bay: BayClient,
  id: string,
  done: AbortSignal,
  warn: (text: string) => void,
  attached: () => void,
): Promise<void> {
  while (!done.aborted) {
    try {
      const lines = await bay.lines(`/api/v1/leases/${encodeURIComponent(id)}/hold`, done);
      for await (const line of lines) {
        attached();
        if ((JSON.parse(line) as { event: string }).event !== "ended") continue;
        warn(`lease ${id} has ended; its targets are no longer yours`);
        return;
      }
    } catch (error) {
      if (done.aborted) return;
      if (error instanceof CliError && error.exit !== Exit.unreachable) {
        warn(`lease ${id}: ${error.message}`);
        attached();
        return;
      }
    }
    attached();
    await new Promise((resolve) => setTimeout(resolve, REATTACH_MS));
  }
}
