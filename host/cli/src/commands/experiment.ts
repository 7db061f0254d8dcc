import { existsSync } from "node:fs";
import {
  documentOf,
  type Experiment,
  finished,
  hasDocument,
  type RunDocument,
  RunError,
  type RunEvent,
  type RunOptions,
  type RunRow,
  renderTable,
  replay,
  resumeRun,
  type SqliteJournal,
  statuses,
} from "@mltb/bench";
import { suggest } from "@mltb/contract";
import { addressOf, type BayOptions, findBay } from "../client/find-bay.ts";
import { hostReference } from "../client/reference.ts";
import { CliError, cliError, Exit } from "../errors.ts";
import { progressTo } from "../output/progress.ts";
import { createSteps } from "../output/steps.ts";
import { action, addBayOptions, type Command, type Context } from "../program.ts";
import { openJournal, ownLease, runExit } from "./run.ts";

interface HoldOptions extends BayOptions {
  reason?: string;
  author?: string;
}

/** A run by its id or by the beginning of it. */
function find(journal: SqliteJournal, run: string): RunRow {
  const rows = journal.runs();
  const found = rows.filter((row) => row.run_id === run || row.run_id.startsWith(run));
  if (found.length === 1 && found[0] !== undefined) return found[0];
  const message = found.length > 1 ? `${run} names ${found.length} runs` : `there is no run ${run}`;
  throw cliError(
    Exit.usage,
    "unknown-run",
    message,
    suggest(
      run,
      rows.slice(0, 10).map((row) => row.run_id),
    ),
  );
}

async function withJournal<T>(options: BayOptions, body: (journal: SqliteJournal) => Promise<T>): Promise<T> {
  const journal = openJournal(options.state);
  try {
    return await body(journal);
  } finally {
    journal.close();
  }
}

function author(options: HoldOptions): string {
  return options.author ?? process.env["USER"] ?? "operator";
}

/** Refuses a run of which the journal has nothing: there is nothing to go on with or to end. */
function refuseEmpty(row: RunRow, { status }: { status: string }): void {
  if (status !== "never begun") return;
  throw cliError(Exit.refused, "never-begun", `run ${row.run_id} has never begun`, "run its experiment anew");
}

/**
 * Where a run stands, with its nodes: running, interrupted (its worker is gone before all was done, and perhaps only the document
 * is wanting) or ended; never begun where the journal has nothing of it. A folder that somebody took away since is not missed.
 */
async function view(journal: SqliteJournal, row: RunRow) {
  const events = await journal.read(row.run_id, 0);
  const state = events.length === 0 ? undefined : replay(events);
  const words = state === undefined ? undefined : statuses(state);
  const nodes = [...(state?.nodes.values() ?? [])].map((node) => ({
    node: node.spec.id,
    service: node.spec.service,
    component: node.spec.component,
    status: words?.get(node.spec.id) ?? "waiting",
    phase: node.flying?.phase ?? null,
    attempt: node.flying?.attempt ?? null,
    hold: node.hold ?? null,
    failure: node.failure ?? null,
    unsafe: node.unsafe ?? null,
  }));
  const over = nodes.every((node) => !["waiting", "running", "ending"].includes(node.status));
  const written = hasDocument(row.folder) || !existsSync(row.folder);
  const begun = over && written ? "ended" : journal.worked(row) ? "running" : "interrupted";
  const { worker_pid: _, worker_identity: __, ...rest } = row;
  const status = state === undefined ? "never begun" : begun;
  return { ...rest, status, cancelled: state?.cancelled ?? null, nodes };
}

type View = Awaited<ReturnType<typeof view>>;

function lines(run: View): string {
  const width = Math.max(0, ...run.nodes.map((node) => node.node.length));
  const head = `${run.run_id}  ${run.experiment}  ${run.status}${run.cancelled === null ? "" : `, cancelled by ${run.cancelled.author}: ${run.cancelled.reason}`}`;
  const rows = run.nodes.map((node) => {
    const hold = node.hold === null ? "" : `  held by ${node.hold.author}: ${node.hold.reason}`;
    const problem =
      node.unsafe !== null ? `  NOT SAFE: ${node.unsafe}` : node.failure === null ? "" : `  ${node.failure}`;
    const phase = node.phase === null ? "" : ` (${node.phase} ${node.attempt})`;
    return `  ${node.node.padEnd(width)}  ${node.status}${phase}${hold}${problem}`;
  });
  return [head, ...rows, `  folder ${run.folder}`, `  configuration ${run.configuration}`].join("\n");
}

/** Adds to a run what fits where it stands; refuses the rest. */
async function append(journal: SqliteJournal, row: RunRow, event: RunEvent): Promise<void> {
  try {
    await journal.add(row.run_id, event);
  } catch (error) {
    throw cliError(Exit.refused, "refused", (error as Error).message, `mltb experiment show ${row.run_id}`);
  }
}

async function change(context: Context, run: string, options: BayOptions, event: RunEvent): Promise<number> {
  return withJournal(options, async (journal) => {
    const row = find(journal, run);
    await append(journal, row, event);
    const now = await view(journal, row);
    context.print(now, () => lines(now));
    return Exit.done;
  });
}

/**
 * Carries a run whose worker has died on to its end, on the bay that is up; where only its document is wanting, the journal is
 * enough. Undefined where a living process works on it.
 */
async function carryOn(
  context: Context,
  journal: SqliteJournal,
  row: RunRow,
  options: BayOptions,
  reference?: RunOptions["reference"],
): Promise<RunDocument | undefined> {
  const stored = journal.find(row.configuration);
  if (stored === undefined) throw new Error(`the configuration of run ${row.run_id} is not stored`);
  const experiments = stored.experiments as Experiment[];
  const entries = journal.entries(row.run_id);
  const events = entries.map(({ event }) => event);
  if (finished(replay(events))) {
    if (!journal.takeOver(row.run_id)) return undefined;
    try {
      return documentOf({ ...row, ended_at: entries.at(-1)?.at ?? row.started_at }, experiments, events);
    } finally {
      journal.leave(row.run_id);
    }
  }
  const bay = { ...addressOf(findBay(options)), ...ownLease() };
  if (!journal.takeOver(row.run_id)) return undefined;
  return resumeRun(row, {
    experiments,
    bay,
    journal,
    onProgress: progressTo(createSteps()),
    signal: context.signal,
    ...(reference === undefined ? {} : { reference }),
  });
}

/** Goes on with a run whose worker has died, or writes the document of one that ended without. */
async function goOn(context: Context, run: string, options: BayOptions): Promise<number> {
  return withJournal(options, async (journal) => {
    const row = find(journal, run);
    const now = await view(journal, row);
    refuseEmpty(row, now);
    if (now.status === "ended" && hasDocument(row.folder))
      throw cliError(Exit.refused, "ended", `run ${row.run_id} has ended`, `its results are in ${row.folder}`);
    const reference = hostReference();
    const document = await carryOn(context, journal, row, options, reference.open).finally(() => reference.close());
    if (document === undefined)
      throw cliError(Exit.refused, "running", `process ${row.worker_pid} works on run ${row.run_id}`);
    context.print(document, () => `${renderTable(document)}\nresults  ${document.folder}`);
    return runExit(document, context);
  });
}

/**
 * Ends a run; refuses one that has ended. The process that works on it brings down what has begun; where that is gone, this one
 * does. Exits 4 where a board is not known to be safe afterwards.
 */
async function cancel(context: Context, run: string, options: HoldOptions): Promise<number> {
  return withJournal(options, async (journal) => {
    const row = find(journal, run);
    const before = await view(journal, row);
    refuseEmpty(row, before);
    if (before.cancelled === null) {
      const reason = options.reason ?? "";
      await append(journal, row, { type: "cancelled", reason, author: author(options) });
    }
    if ((await view(journal, row)).status === "interrupted") {
      try {
        await carryOn(context, journal, row, options);
      } catch (error) {
        if (!(error instanceof CliError || error instanceof RunError)) throw error;
        const message = `run ${row.run_id} is cancelled, but its boards were not brought down: ${error.message}`;
        const mend = `bring its bay up and say again: mltb experiment cancel ${row.run_id}`;
        throw cliError(error instanceof CliError ? error.exit : Exit.unreachable, "not-made-safe", message, mend);
      }
    }
    const now = await view(journal, row);
    context.print(now, () => lines(now));
    return now.nodes.some((node) => node.unsafe !== null) ? Exit.unreachable : Exit.done;
  });
}

/** `mltb experiment list|show|hold|resume|cancel`, `mltb config show`. */
export function registerExperiment(program: Command): void {
  const group = program
    .command("experiment")
    .description("runs of experiments: where they stand, hold, resume, cancel");
  const add = (name: string, description: string): Command =>
    addBayOptions(group.command(name).description(description));

  add("list", "runs, the newest first").action(
    action(async (context, options: BayOptions) =>
      withJournal(options, async (journal) => {
        const runs = await Promise.all(journal.runs().map((row) => view(journal, row)));
        context.print({ runs: runs.map(({ nodes: _, ...run }) => run) }, () =>
          runs.length === 0
            ? "no experiment has run with this state folder"
            : runs.map((run) => `${run.run_id}  ${run.experiment}  ${run.status}  ${run.folder}`).join("\n"),
        );
        return Exit.done;
      }),
    ),
  );
  add("show", "a run with its nodes")
    .argument("<run>", "its id, or the beginning of it")
    .action(
      action(async (context, run: string, options: BayOptions) =>
        withJournal(options, async (journal) => {
          const now = await view(journal, find(journal, run));
          context.print(now, () => lines(now));
          return Exit.done;
        }),
      ),
    );
  add("hold", "keep a node from its next step; its board stays as it is")
    .argument("<run>", "its id, or the beginning of it")
    .argument("<node>", "id of the node, as `show` has it")
    .requiredOption("--reason <text>", "why, for whoever finds it held")
    .option("--author <name>", "who holds it (default: the user)")
    .action(
      action((context, run: string, node: string, options: HoldOptions) =>
        change(context, run, options, { type: "held", node, reason: options.reason ?? "", author: author(options) }),
      ),
    );
  add("resume", "let a held node go on; without a node, go on with a run whose process has died")
    .argument("<run>", "its id, or the beginning of it")
    .argument("[node]", "id of a held node")
    .option("--author <name>", "who resumes it (default: the user)")
    .action(
      action((context, run: string, node: string | undefined, options: HoldOptions) =>
        node === undefined
          ? goOn(context, run, options)
          : change(context, run, options, { type: "resumed", node, author: author(options) }),
      ),
    );
  add(
    "cancel",
    "end a run: what has begun is brought down, boards are made safe, by this command where the run's process died",
  )
    .argument("<run>", "its id, or the beginning of it")
    .option("--reason <text>", "why", "cancelled")
    .option("--author <name>", "who cancels it (default: the user)")
    .action(action((context, run: string, options: HoldOptions) => cancel(context, run, options)));

  const config = program.command("config").description("configurations that were run, by their hash");
  addBayOptions(
    config
      .command("show")
      .description("a configuration as it was run")
      .argument("<hash>", "its hash, or 4 digits of it and more"),
  ).action(
    action(async (context, hash: string, options: BayOptions) =>
      withJournal(options, async (journal) => {
        const found = journal.find(hash);
        if (found === undefined)
          throw cliError(Exit.usage, "unknown-configuration", `no configuration ${hash} was stored`);
        context.print(found, () => JSON.stringify(found.experiments, null, 2));
        return Exit.done;
      }),
    ),
  );
}
