import type { BayClient } from "../client/bay-client.ts";
import { type BayOptions, findBay } from "../client/find-bay.ts";
import { acquireLease, type Lease } from "../client/lease.ts";
import { cliError, Exit } from "../errors.ts";
import { runUnderLease } from "../output/lease-command.ts";
import { columns } from "../output/target-text.ts";
import { action, addBayOptions, type Command, type Context, parseDuration, parseInteger } from "../program.ts";

interface AcquireOptions extends BayOptions {
  for?: number;
  wait?: number;
  priority: number;
  holder?: string;
}

/** Time of a lease without a command where `--for` is not given. */
const DEFAULT_S = 1800;
/** Time of a lease that is renewed as long as its command runs. */
const RENEWED_S = 60;
const FOREVER_S = 604_800;

/** What stands behind `--` on the command line: the parser would take it for more targets. */
function behindDashes(): string[] {
  const at = process.argv.indexOf("--");
  return at < 0 ? [] : process.argv.slice(at + 1);
}

/** `mltb lease TARGET... [-- COMMAND...]`, `mltb lease list|renew|release`. */
export function registerLease(program: Command): void {
  const lease = addBayOptions(
    program
      .command("lease")
      .description("lease targets for yourself: wait for your turn, then run a command, or print the lease")
      .usage("[options] <target...> [-- command...]")
      .argument("[target...]", "targets, all at once or none; then `--` and the command with its arguments")
      .option("--for <time>", "how long: 90s, 30m, 2h (default 30m; with a command: as long as it runs)", parseDuration)
      .option("--wait <time>", "how long to wait for your turn (default: as long as it takes)", parseDuration)
      .option("--priority <n>", "0 to 9, higher is served first", parseInteger(0, 9), 0)
      .option("--holder <text>", "who you are, for others to read (default: user@host)"),
  ).action(
    action(async (context, given: string[], options: AcquireOptions) => {
      const command = behindDashes();
      const targets = given.slice(0, given.length - command.length);
      if (targets.length === 0) {
        throw cliError(Exit.usage, "no-target", "which target?", "mltb lease TARGET... [-- COMMAND...]");
      }
      return acquire(context, targets, command, options);
    }),
  );

  addBayOptions(lease.command("list").description("show leases, and who waits")).action(
    action(async (context, options: BayOptions) => {
      const answer = await findBay(options).call<{ leases: Lease[]; waiting: Waiting[] }>("GET", "/api/v1/leases");
      context.print(answer, () => table(answer));
      return Exit.done;
    }),
  );
  addBayOptions(
    lease
      .command("renew")
      .description("set the time that a lease has left")
      .argument("<id>")
      .option("--for <time>", "from now: 90s, 30m, 2h (default 30m)", parseDuration),
  ).action(
    action(async (context, id: string, options: AcquireOptions) => {
      const path = `/api/v1/leases/${encodeURIComponent(id)}`;
      const renewed = await findBay(options).call<Lease>("PUT", path, { ttl_s: options.for ?? DEFAULT_S });
      context.print(renewed, () => text(renewed));
      return Exit.done;
    }),
  );
  addBayOptions(lease.command("release").description("end a lease").argument("<id>")).action(
    action(async (context, id: string, options: BayOptions) => {
      await findBay(options).call("DELETE", `/api/v1/leases/${encodeURIComponent(id)}`);
      context.print({ id, released: true }, () => `lease ${id} has ended`);
      return Exit.done;
    }),
  );
}

async function acquire(
  context: Context,
  targets: string[],
  command: string[],
  options: AcquireOptions,
): Promise<number> {
  const bay: BayClient = findBay(options);
  const renewed = command.length > 0 && options.for === undefined;
  const lease = await acquireLease(bay, {
    targets,
    ttl_s: options.for ?? (renewed ? RENEWED_S : DEFAULT_S),
    wait_s: options.wait ?? FOREVER_S,
    priority: options.priority,
    holder: options.holder,
    hold: command.length > 0,
    signal: context.signal,
    note: context.note,
  });
  if (lease === undefined) return Exit.interrupted;
  if (command.length === 0) {
    context.print(lease, () => text(lease));
    return Exit.done;
  }
  return runUnderLease(context, bay, lease, command, renewed ? RENEWED_S : undefined);
}

interface Waiting {
  targets: string[];
  holder: string;
  priority: number;
  waited_s: number;
}

function text(lease: Lease): string {
  return `lease ${lease.id} of ${lease.targets.join(", ")} by ${lease.holder} until ${lease.expires_at}, fence ${lease.fence}`;
}

function table({ leases, waiting }: { leases: Lease[]; waiting: Waiting[] }): string {
  const rows = [["lease", "targets", "holder", "until", "fence"]];
  for (const lease of leases) {
    rows.push([lease.id, lease.targets.join(","), lease.holder, lease.expires_at, String(lease.fence)]);
  }
  for (const { targets, holder, priority, waited_s } of waiting) {
    rows.push(["(waiting)", targets.join(","), holder, `${waited_s} s, priority ${priority}`, "-"]);
  }
  return rows.length === 1 ? "no leases" : columns(rows);
}
