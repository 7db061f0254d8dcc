import {
  BayError,
  calibrationArgs,
  locateArgs,
  nominalCalibration,
  panelArgs,
  powerArgs,
  rearmArgs,
  resetArgs,
  strapArgs,
  strapName,
  suggest,
  type TargetView,
  wireCode,
  type z,
} from "@mltb/contract";
import { bodyCheck, Cause, Outcome, PowerAction, type RequestOutcome, refusalName } from "@mltb/protocol";
import { type Bad, type Call, type Caller, type CommandResult, refused } from "./call.ts";
import type { Board } from "./device/board.ts";
import { type ChannelModel, faultNumber } from "./device/channel.ts";
import type { Gate } from "./gate.ts";

/** Time for the answer of a command beyond what the board itself may take. */
const MARGIN_MS = 1500;
/** Commands that a board may have under way; one takes up to two requests at a time. */
const BOARD_COMMANDS = 60;
/** The longest that a host waits for a strap sequence; the board finishes it anyway. */
const STRAP_LONGEST_MS = 120_000;
/** The longest time without power that a cycle may ask for. */
const DWELL_LONGEST_MS = 60_000;
const LOOK_MS = 20;
/** A board proves "off" within 500 ms; with its turn among the other channels and the way to it. */
const PROOF_MS = 1500;

const actions: Record<z.infer<typeof powerArgs>["state"], number> = {
  on: PowerAction.on,
  off: PowerAction.off,
  "off-floating": PowerAction.off_floating,
  cycle: PowerAction.cycle,
};

/** Commands after which a target's power may be another. */
const switching = new Set(["power", "strap"]);

/**
 * What nothing else has caught. A fault of the supervisor's own must neither leave the sender without an answer nor end the
 * process; a store that cannot be read refuses the command.
 */
function broken({ feature, name }: Call, error: unknown): CommandResult {
  if (error instanceof BayError) return refused(error.code, error.message, error.suggestion);
  const message = error instanceof Error ? error.message : String(error);
  return { status: "failed", code: "internal", message: `${feature} of ${name}: ${message}` };
}

/** Commands that a bay understands, by feature. Arguments are checked before anything is sent. */
export class Commands {
  /** What every command passes on its way to a board. */
  gate: Gate | undefined;
  /** Told when a command of a target was accepted; what it gives is called when the command is done. */
  onAccepted: (caller: Caller, target: string, feature: string) => (() => void) | undefined = () => undefined;
  /** Told of every command that has ended. */
  onResult: (feature: string, status: CommandResult["status"], seconds: number) => void = () => undefined;
  private readonly boards: Board[];
  /** Where a target was found last: bays are large, and every command and lease asks. */
  private readonly found = new Map<string, { board: Board; channel: ChannelModel }>();
  /** Commands under way, by target or rack, and by board. */
  private readonly running = new Map<string, number>();
  private readonly onBoard = new Map<string, number>();
  /** How many commands that switch a target were accepted. */
  private readonly switchings = new Map<string, number>();

  constructor(boards: Board[]) {
    this.boards = boards;
  }

  targets(): ChannelModel[] {
    return this.boards.flatMap((board) => board.channels.filter((channel) => channel !== undefined));
  }

  /** A target and its board; undefined where there is none of that name (any more). */
  lookup(target: string): { board: Board; channel: ChannelModel } | undefined {
    const before = this.found.get(target);
    // A reload exchanges boards.
    if (before !== undefined && this.boards.includes(before.board)) return before;
    for (const board of this.boards) {
      const channel = board.channels.find((entry) => entry?.name === target);
      if (channel === undefined) continue;
      this.found.set(target, { board, channel });
      return { board, channel };
    }
    this.found.delete(target);
    return undefined;
  }

  /** The same; throws `unknown_target` with the nearest name. */
  find(target: string): { board: Board; channel: ChannelModel } {
    const found = this.lookup(target);
    if (found !== undefined) return found;
    const names = this.targets().map((channel) => channel.name);
    throw new BayError("unknown_target", `there is no target ${target}`, suggest(target, names));
  }

  rack(name: string): Board {
    const board = this.boards.find((entry) => entry.rack === name);
    if (board !== undefined) return board;
    throw new BayError(
      "unknown_rack",
      `there is no rack ${name}`,
      suggest(
        name,
        this.boards.map((entry) => entry.rack),
      ),
    );
  }

  /** Whether a command of this target is under way. */
  runs(target: string): boolean {
    return (this.running.get(target) ?? 0) > 0;
  }

  /**
   * Resolves when no command of a board is under way, or after its patience: what a power back end has begun, nobody else
   * finishes.
   */
  async ended(board: Board): Promise<void> {
    const until_ms = performance.now() + MARGIN_MS + DWELL_LONGEST_MS + 6 * board.command_ms;
    while ((this.onBoard.get(board.name) ?? 0) > 0 && performance.now() < until_ms) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Whether a command with this id has come before. */
  knows(caller: Caller): boolean {
    return this.gate?.knows(caller) ?? false;
  }

  /**
   * Checks and runs a command; `onAccepted` is called once when it stands in the journal and is sure to be sent. A
   * command that comes again under its id does not run again: it gets the result of the first. Never rejects.
   */
  async run(
    caller: Caller,
    kind: "target" | "rack",
    name: string,
    feature: string,
    args: unknown,
    onAccepted: (seq: number) => void = () => undefined,
  ): Promise<CommandResult> {
    const call: Call = { caller, kind, name, feature, args };
    const started = performance.now();
    let running: Promise<CommandResult>;
    try {
      const repeated = this.gate?.repeated(call, onAccepted);
      if (repeated !== undefined) return repeated;
      running = this.attempt(call, onAccepted).catch((error: unknown) => broken(call, error));
      this.gate?.started(call, running);
    } catch (error) {
      return broken(call, error);
    }
    const result = await running;
    this.onResult(feature, result.status, (performance.now() - started) / 1000);
    return result;
  }

  private async attempt(call: Call, onAccepted: (seq: number) => void): Promise<CommandResult> {
    // The command must be known by its id before anything of it is done.
    await Promise.resolve();
    const prepared = this.admit(call);
    if ("status" in prepared) {
      this.gate?.ended(call, undefined, prepared);
      return prepared;
    }
    const accepted = this.gate?.accept(call) ?? { seq: 0, entry: 0, fence: undefined };
    if ("status" in accepted) {
      this.gate?.ended(call, undefined, accepted);
      return accepted;
    }
    const { caller, kind, name, feature } = call;
    let done: (() => void) | undefined;
    if (kind === "target") {
      this.find(name).channel.commandedBy = caller.source;
      if (switching.has(feature)) this.switchings.set(name, (this.switchings.get(name) ?? 0) + 1);
      done = this.onAccepted(caller, name, feature);
    }
    onAccepted(accepted.seq);
    const { name: board } = kind === "target" ? this.find(name).board : this.rack(name);
    this.running.set(name, (this.running.get(name) ?? 0) + 1);
    this.onBoard.set(board, (this.onBoard.get(board) ?? 0) + 1);
    try {
      const result = await prepared.execute();
      // Before what waits for the command's end looks again.
      if (result.status === "done") done?.();
      this.gate?.ended(call, accepted, result);
      return result;
    } finally {
      this.running.set(name, (this.running.get(name) ?? 1) - 1);
      this.onBoard.set(board, (this.onBoard.get(board) ?? 1) - 1);
    }
  }

  /** A link has room for 255 requests; what is accepted must be sure to be sent, and what makes a target safe goes first. */
  private overload({ caller, kind, name }: Call): Bad | undefined {
    const { name: board } = kind === "target" ? this.find(name).board : this.rack(name);
    const limit = caller.source === "policy" ? 2 * BOARD_COMMANDS : BOARD_COMMANDS;
    if ((this.onBoard.get(board) ?? 0) < limit) return undefined;
    return refused("busy", `board ${board} has ${limit} commands to do`, "wait for answers before sending more");
  }

  /** How a command will run, or why it may not. */
  private admit(call: Call): Bad | { execute: () => Promise<CommandResult> } {
    const { kind, name, feature, args } = call;
    try {
      if (kind === "target") this.find(name);
      return this.gate?.refusal(call) ?? this.overload(call) ?? this.prepare(kind, name, feature, args ?? {});
    } catch (error) {
      if (error instanceof BayError) return refused(error.code, error.message, error.suggestion);
      throw error;
    }
  }

  private prepare(
    kind: "target" | "rack",
    name: string,
    feature: string,
    args: unknown,
  ): Bad | { execute: () => Promise<CommandResult> } {
    if (kind === "rack") {
      const board = this.rack(name);
      if (feature !== "panel") return refused("not_supported", `racks have no feature ${feature}`);
      return checked(panelArgs, args, board, (value) => this.panel(board, value));
    }
    const { board, channel } = this.find(name);
    switch (feature) {
      case "power":
        return checked(powerArgs, args, board, (value) => this.power(board, channel, value));
      case "reset":
        return checked(resetArgs, args, board, (value) => this.reset(board, channel, value.pulse_ms));
      case "locate":
        return checked(locateArgs, args, board, (value) => this.locate(board, channel, value.duration_ms));
      case "rearm":
        return checked(rearmArgs, args, board, (value) => this.rearm(board, channel, value.fault));
      case "strap":
        if (!board.can("lines")) return refused("not_supported", `${board.name} runs no strap sequences`);
        return checked(strapArgs, args, board, (value) => this.strap(board, channel, value.sequence));
      case "calibration":
        if (!board.can("settings")) return refused("not_supported", `${board.name} stores no calibration`);
        if (board.updating || board.quiet.recordings > 0) {
          return refused("busy", `${board.name} is recorded or being written to`, "try again afterwards");
        }
        return checked(calibrationArgs, args, board, (value) => this.calibrate(board, channel, value));
      default:
        return refused(
          "not_supported",
          `targets have no feature ${feature}`,
          suggest(feature, ["power", "reset", "locate", "rearm", "strap", "calibration"]),
        );
    }
  }

  private async power(board: Board, channel: ChannelModel, args: z.infer<typeof powerArgs>): Promise<CommandResult> {
    const action = actions[args.state];
    const off_ms = args.state === "cycle" ? (args.off_ms ?? 1000) : 0;
    const on = args.state === "on" || args.state === "cycle";
    const turn = this.switchings.get(channel.name);
    await board.configured;
    const outcome = await board.link.request(
      "power_set",
      { channel: channel.channel, action, off_ms, check: bodyCheck(channel.channel, action, off_ms) },
      // A power back end reads back after each switching, and ends what it was doing first.
      MARGIN_MS + 1000 + off_ms + (on ? board.turn_ms : 0) + (args.state === "cycle" ? 6 : 4) * board.command_ms,
    );
    return this.powered(board, channel, outcome, { power: on ? "on" : "off", turn });
  }

  /**
   * What became of a command that the board has answered with the proved state: done when the state that is read back
   * afterwards does not say otherwise. Where a newer command is under way already it cannot say anything; another state is
   * that of a newer command only where one was accepted since `turn`, or somebody has pressed a button.
   */
  private async powered(
    board: Board,
    channel: ChannelModel,
    outcome: RequestOutcome<"power_answer">,
    wanted?: { power: TargetView["power"]; turn: number | undefined },
  ): Promise<CommandResult> {
    if (outcome.kind !== "answer") return failed(outcome, channel);
    const answer = outcome.body;
    channel.measured(answer);
    const fresh = await this.reread(board, channel);
    const done = answer.outcome === Outcome.done;
    const differs = wanted !== undefined && fresh.power !== wanted.power && fresh.power !== "changing";
    if (done && !differs) return { status: "done", state: fresh };
    if (done && fresh.power === "unknown") {
      const message = `the board confirmed ${wanted?.power}, and its link was lost before that was read back`;
      return { status: "unknown", code: "outcome_unknown", message, state: fresh };
    }
    const newer = channel.cause === Cause.panel || this.switchings.get(channel.name) !== wanted?.turn;
    if (answer.outcome === Outcome.superseded || (done && newer && fresh.power !== "fault")) {
      return {
        status: "refused",
        code: "superseded",
        message: "a newer command took the place of this one",
        state: fresh,
      };
    }
    const fault = channel.fault;
    const why = done
      ? `the board confirmed ${wanted?.power} and then read back ${fresh.power}`
      : "the board could not prove the state";
    return {
      status: "failed",
      code: answer.outcome === Outcome.not_confirmed ? "not_confirmed" : "board_failed",
      message: fault === null ? why : `${fault.id}: ${fault.cause}`,
      state: fresh,
    };
  }

  private async reset(board: Board, channel: ChannelModel, pulse_ms: number): Promise<CommandResult> {
    const body = { channel: channel.channel, pulse_ms, check: bodyCheck(channel.channel, 0, pulse_ms) };
    const outcome = await board.link.request("reset_pulse", body, MARGIN_MS + pulse_ms + board.command_ms);
    if (outcome.kind !== "answer") return failed(outcome, channel);
    if (outcome.body.outcome === Outcome.superseded) {
      return { status: "refused", code: "superseded", message: "a newer pulse took the place of this one" };
    }
    if (outcome.body.reset_asserted !== 0) {
      return { status: "failed", code: "board_failed", message: "the reset line is still asserted" };
    }
    board.begins(channel);
    return { status: "done", state: await this.reread(board, channel) };
  }

  private async strap(board: Board, channel: ChannelModel, sequence = "recovery"): Promise<CommandResult> {
    // A board keeps what an earlier bay file gave it, and does not tell the names.
    const named = board.straps(channel);
    if (!named.includes(sequence)) {
      const mend = `${suggest(sequence, named) ?? "it has none"} - or add it to the target's straps in the bay file`;
      return refused("not_supported", `${channel.name} has no strap sequence ${sequence}`, mend);
    }
    await board.configured;
    const body = {
      channel: channel.channel,
      check: bodyCheck(channel.channel, 0, 0),
      name: strapName(channel.channel, sequence),
    };
    const outcome = await board.link.request("strap_run", body, STRAP_LONGEST_MS + board.turn_ms);
    if (outcome.kind === "refused" && refusalName(outcome.code) === "not_stored") {
      return refused("not_supported", `${board.name} has not taken strap sequence ${sequence}`, "see `mltb health`");
    }
    return this.powered(board, channel, outcome);
  }

  private async locate(board: Board, channel: ChannelModel, duration_ms: number): Promise<CommandResult> {
    const outcome = await board.link.request("locate", { channel: channel.channel, duration_ms }, MARGIN_MS);
    return outcome.kind === "answer" ? { status: "done", state: channel.view() } : failed(outcome, channel);
  }

  private async rearm(board: Board, channel: ChannelModel, id: string): Promise<CommandResult> {
    const fault = faultNumber(id);
    if (fault === undefined || channel.fault?.id !== id) {
      const current = channel.fault === null ? "there is none" : `the latched fault is ${channel.fault.id}`;
      return refused("unknown_fault", `${channel.name} has no latched fault ${id}; ${current}`);
    }
    const body = { channel: channel.channel, fault, check: bodyCheck(channel.channel, fault, 0) };
    const outcome = await board.link.request("rearm", body, MARGIN_MS);
    if (outcome.kind !== "answer") return failed(outcome, channel);
    const state = await this.proved(board, channel);
    if (state.power === "fault") {
      const message = channel.fault === null ? "the fault is back" : `${channel.fault.id}: ${channel.fault.cause}`;
      return { status: "failed", code: "board_failed", message, state };
    }
    if (state.power === "unknown") {
      const message = "the board took the re-arm, and its link was lost before the channel was proved off";
      return { status: "unknown", code: "outcome_unknown", message, state };
    }
    if (state.power !== "changing") return { status: "done", state };
    return { status: "failed", code: "not_confirmed", message: "the channel was not proved off in its time", state };
  }

  /** The state of a channel when what it is changing to is proved, or when the time for that is over. */
  private async proved(board: Board, channel: ChannelModel): Promise<TargetView> {
    const until_ms = performance.now() + PROOF_MS + board.turn_ms;
    let view = await this.reread(board, channel);
    while (view.power === "changing" && performance.now() < until_ms) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      view = await this.reread(board, channel);
    }
    return view;
  }

  private async calibrate(
    board: Board,
    channel: ChannelModel,
    args: z.infer<typeof calibrationArgs>,
  ): Promise<CommandResult> {
    const record = { ...nominalCalibration, ...args };
    const outcome = await board.calibrate(channel, record);
    if (outcome.kind !== "answer") return failed(outcome, channel);
    const state = board.calibrations.view(channel.channel);
    if (board.calibrations.agrees(channel.channel, record)) return { status: "done", state };
    const message = `${board.name} reads back another calibration than was sent`;
    return { status: "failed", code: "board_failed", message, state };
  }

  private async panel(board: Board, args: z.infer<typeof panelArgs>): Promise<CommandResult> {
    const { lines, locked, note } = args;
    let { page, lines: shown } = board.panel;
    if (locked !== undefined || note !== undefined) {
      const outcome = await board.rackPanel.set(locked, note);
      if (outcome.kind !== "answer") return failed(outcome, undefined);
    }
    if (lines !== undefined) {
      const [line1 = "", line2 = "", line3 = "", line4 = ""] = lines;
      const outcome = await board.link.request("panel_write", { ttl_ms: 0, line1, line2, line3, line4 }, MARGIN_MS);
      if (outcome.kind !== "answer") return failed(outcome, undefined);
      page = outcome.body.page;
      if (lines.length > 0) shown = [line1, line2, line3, line4];
    }
    return { status: "done", state: { page, lines: shown } };
  }

  /** The channel as the board sees it now; what was known stays where the board does not answer. */
  private async reread(board: Board, channel: ChannelModel): Promise<TargetView> {
    const outcome = await board.link.request("channel_get", { channel: channel.channel }, MARGIN_MS + board.command_ms);
    if (outcome.kind === "answer") board.observe(channel, outcome.body);
    return channel.view();
  }
}

function checked<T>(
  schema: z.ZodType<T>,
  args: unknown,
  board: Board,
  execute: (value: T) => Promise<CommandResult>,
): Bad | { execute: () => Promise<CommandResult> } {
  const parsed = schema.safeParse(args);
  if (!parsed.success) {
    const text = parsed.error.issues.map((issue) => `${issue.path.join(".") || "args"}: ${issue.message}`).join("; ");
    return refused("malformed", text);
  }
  if (!board.link.session.port.open) {
    return { status: "failed", code: "board_lost", message: `board ${board.name} is ${board.link.lifecycle}` };
  }
  return { execute: () => execute(parsed.data) };
}

function failed(outcome: Exclude<RequestOutcome, { kind: "answer" }>, channel: ChannelModel | undefined): Bad {
  if (outcome.kind === "refused") {
    const name = refusalName(outcome.code);
    const text = `the board refused: ${name.replaceAll("_", "-")} (${outcome.detail})`;
    if (name === "fault_latched") {
      const id = channel?.fault?.id ?? "?";
      return refused(
        "fault_latched",
        `fault ${id} is latched on ${channel?.name ?? "the channel"}`,
        `rearm ${id} first`,
      );
    }
    const { name: target } = channel ?? { name: "the target" };
    if (name === "interlocked") {
      return refused("interlocked", `another target of ${target}'s interlock group is on`, "switch that one off first");
    }
    if (name === "over_budget") {
      return refused("over_budget", `${target} does not fit into the rack's budget`, "switch another target off first");
    }
    return name === "not_on" ? refused("not_on", "the target is not on") : refused("refused_by_board", text);
  }
  if (outcome.kind === "timeout") {
    return { status: "failed", code: "not_confirmed", message: "the board did not confirm in time" };
  }
  return {
    status: "unknown",
    code: "outcome_unknown",
    message: "the link was lost while the command ran; the state is read again",
  };
}

/** A result as it goes out on MQTT. */
export function answerOf(result: CommandResult): {
  status: CommandResult["status"];
  code?: string;
  message?: string;
  state?: unknown;
} {
  if (result.status === "done") return { status: "done", state: result.state };
  return {
    status: result.status,
    code: wireCode(result.code),
    message: result.message,
    ...(result.state === undefined ? {} : { state: result.state }),
  };
}
