import { type BayRack, type CalibrationRecord, simulatedAt, starts } from "@mltb/contract";
import { monitoringBoard } from "@mltb/hardware";
import { type Body, type FrameCounters, type Message, type RequestOutcome, Stream } from "@mltb/protocol";
import type { BayHub } from "../events.ts";
import { DeviceLink } from "../link/device-link.ts";
import { serialNumber } from "../link/open.ts";
import type { ByteTransport } from "../link/transport.ts";
import { Calibrations } from "./calibration.ts";
import { ChannelModel, causeWord } from "./channel.ts";
import { MeasureStreams } from "./measure.ts";
import { type AppliedPolicy, applyPolicy } from "./policy.ts";
import { Quiet } from "./quiet.ts";
import { RackPanel } from "./rack-panel.ts";
import { stopStreams } from "./rest.ts";
import { Turns } from "./turns.ts";

const RENEW_MS = 1000;
const REQUEST_MS = 1500;
/** Of 255 requests that a link has room for, so many are for what anybody may ask a board to read out. */
const READS = { running: 8, waiting: 64 };

const buttons = ["?", "up", "down", "select", "stop"];
const presses = ["?", "short", "long", "held"];

/** Where in the second a board is renewed: anywhere, and for one name always there. */
function phaseOf(name: string): number {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.charCodeAt(0)) % RENEW_MS;
  return hash;
}

/** A monitoring board as the supervisor knows it: link, channels, measurement streams, panel. */
export class Board {
  readonly name: string;
  readonly rack: string;
  readonly link: DeviceLink;
  /** By channel number less one; undefined where no target hangs on it. */
  readonly channels: (ChannelModel | undefined)[];
  readonly calibrations: Calibrations;
  readonly measure: MeasureStreams;
  welcome: Message<"welcome"> | undefined;
  /** Starts of the board that were seen after the first, by what they came from. */
  readonly restartsBy = new Map<string, number>();
  /** The board's own counters, as it last reported them. */
  counters: Message<"counters_answer"> | undefined;
  drops: Message<"drops_answer"> | undefined;
  /** A bundle or a calibration is being written: no streams. */
  updating = false;
  /** Recordings under way: what would disturb them waits. */
  readonly quiet = new Quiet();
  /** Reading out what the board keeps: its log, waveforms, the name of its bundle. */
  readonly reads: Turns;
  panel: { page: string; lines: string[] } = { page: "", lines: [] };
  readonly rackPanel: RackPanel;
  /** The longest that one command of a power back end may take, beyond what a board takes; 0 for boards. */
  readonly command_ms: number;
  /** The board was given the policies of the bay file; commands wait for it. */
  configured: Promise<void> = Promise.resolve();
  private readonly hub: BayHub;
  private readonly bay: BayRack;
  private phase: NodeJS.Timeout | undefined;
  private renewal: NodeJS.Timeout | undefined;
  private recalling: Promise<void> | undefined;
  private renewing: Promise<void> | undefined;
  private renewingNext: Promise<void> | undefined;
  private configuring = 0;
  private policy: AppliedPolicy | undefined;
  /** Subscribers know the calibrations of the board in this session. */
  private told = false;

  constructor(rack: BayRack, transport: ByteTransport, hub: BayHub, nonce: number) {
    this.name = rack.board.name;
    this.rack = rack.rack;
    this.reads = new Turns(READS, `what ${rack.board.name} keeps`);
    this.hub = hub;
    this.bay = rack;
    const { link } = rack.board;
    this.command_ms = typeof link !== "string" && "exec" in link ? link.exec.time_limit_s * 1000 : 0;
    this.channels = monitoringBoard.channels.map((channel) => {
      const target = rack.targets.find((entry) => entry.channel === channel.number);
      return target === undefined ? undefined : new ChannelModel(rack.rack, target);
    });
    this.link = new DeviceLink(
      transport,
      {
        onLifecycle: (state, reason) => {
          hub.emit("lifecycle", this.name, state, reason);
          if (state === "lost" || state === "absent") this.forget(reason);
          this.note();
        },
        onWelcome: (welcome, restarted) => this.onWelcome(welcome, restarted),
        onMessage: (name, body) => this.message(name, body),
        onRequest: () => this.quiet.asked(),
      },
      nonce,
      serialNumber(rack.board.link),
    );
    this.calibrations = new Calibrations(this.link, monitoringBoard, () => this.can("settings"));
    this.measure = new MeasureStreams(monitoringBoard, this.channels, this.calibrations, hub);
    this.rackPanel = new RackPanel(
      this.link,
      hub,
      this.channels,
      () => this.can("rack"),
      () => this.quiet.recordings > 0,
    );
  }

  /** Whether the board has a capability, by the word in its welcome. */
  can(capability: string): boolean {
    return this.welcome?.capabilities.split(" ").some((word) => word.startsWith(`${capability}:`)) ?? false;
  }

  /** The longest that a switch which shall close waits until those of its rack before it have closed (`stagger_ms`). */
  get turn_ms(): number {
    return this.bay.stagger_ms * (this.bay.targets.length - 1);
  }

  /** Parts that are simulated of what is measured here. */
  get simulated(): string[] {
    return simulatedAt(this.bay, this.welcome?.serial);
  }

  get restarts(): number {
    return [...this.restartsBy.values()].reduce((sum, count) => sum + count, 0);
  }

  /** What the board's last start came from; null before it has said so. */
  startedBy(): (typeof starts)[number] | null {
    return this.welcome === undefined ? null : (starts[this.welcome.reset_cause] ?? "unknown");
  }

  start(): void {
    this.link.start();
    // Hundreds of boards that are renewed in the same moment would hold up commands.
    this.phase = setTimeout(() => {
      this.renewal = setInterval(() => {
        if (this.configuring > 0 || !this.quiet.due(performance.now())) return;
        void this.renew();
        if (!this.quiet.window) this.rackPanel.flush();
      }, RENEW_MS);
    }, phaseOf(this.name));
  }

  async stop(): Promise<void> {
    clearTimeout(this.phase);
    clearInterval(this.renewal);
    this.rackPanel.stop();
    await this.link.stop();
  }

  frameCounters(): FrameCounters {
    return this.link.session.port.deframer.counters;
  }

  private forget(reason: string): void {
    for (const channel of this.channels) {
      if (channel?.forget() === true) this.hub.emit("power", channel.view(), reason, "policy");
    }
  }

  private onWelcome(welcome: Message<"welcome">, restarted: boolean): void {
    const resumed = this.welcome !== undefined && !restarted;
    this.welcome = welcome;
    this.quiet.restart();
    for (const channel of this.channels) if (channel !== undefined) channel.unproved = this.can("unproved");
    this.measure.restart(restarted, welcome.uptime_ms);
    this.calibrations.welcomed();
    this.told = false;
    if (restarted) {
      const by = this.startedBy() ?? "unknown";
      this.restartsBy.set(by, (this.restartsBy.get(by) ?? 0) + 1);
      this.forget("board restarted");
      this.hub.emit("restarted", this.name);
    }
    if (resumed) this.hub.emit("resumed", this.name);
    for (const channel of this.channels) {
      if (channel !== undefined) {
        void this.link.request("target_names", { channel: channel.channel, name: channel.name }, REQUEST_MS);
      }
    }
    this.rackPanel.welcomed();
    this.configured = this.configure();
    void this.configured.then(() => this.renew());
  }

  /** The policies of the bay file, before streams begin: what the board must write down would disturb them. */
  private async configure(): Promise<void> {
    if (!this.can("settings")) return;
    this.configuring += 1;
    this.policy = await applyPolicy(this.link, this.bay);
    this.configuring -= 1;
    for (const { text } of this.policy.refused) this.hub.emit("log", this.name, 2, text);
  }

  /** Takes a welcome that was recorded: what the board can is known, nothing is asked of it. */
  greet(body: Body): void {
    const before = this.welcome;
    this.welcome = body as unknown as Message<"welcome">;
    const restarted = before !== undefined && before.epoch !== this.welcome.epoch;
    this.measure.restart(restarted, this.welcome.uptime_ms);
    if (restarted) this.forget("board restarted");
  }

  /** Takes the answer to a question about a channel, or about its calibration. */
  answered(name: string, body: Body): void {
    if (name === "calibration_answer") this.calibrations.take(body as unknown as Message<"calibration_answer">);
    if (name !== "channel_answer") return;
    const answer = body as unknown as Message<"channel_answer">;
    const channel = this.channels[answer.channel - 1];
    if (channel !== undefined) this.observe(channel, answer);
  }

  /**
   * Opens the streams anew, for as long as `quiet` wants, and reads the counters. Whoever asks while that is under way
   * shares one more with all others who do: it begins after they asked.
   */
  renew(): Promise<void> {
    if (this.renewing === undefined) {
      this.renewing = this.renewNow().finally(() => {
        this.renewing = undefined;
      });
      return this.renewing;
    }
    const next = (): Promise<void> => {
      this.renewingNext = undefined;
      return this.renew();
    };
    this.renewingNext ??= this.renewing.then(next, next);
    return this.renewingNext;
  }

  private async renewNow(): Promise<void> {
    // A board stores no policy while a stream is open.
    await this.configured;
    if (!this.link.session.port.open || this.updating) return;
    await this.recall();
    const asked_ms = performance.now();
    const ttl_ms = this.quiet.ttl_ms();
    // Somebody may have begun to write meanwhile.
    const open = async (stream: number): Promise<boolean> =>
      !this.updating &&
      (await this.link.request("stream_open", { stream, ttl_ms, period_us: 0 }, REQUEST_MS)).kind === "answer";
    const samples = !this.can("samples") || (await open(Stream.samples));
    const monitors = this.can("unproved") || (await open(Stream.monitors));
    if (samples && monitors) this.quiet.opened(asked_ms, ttl_ms);
    if (this.can("unproved")) return this.note();
    // A window may have opened meanwhile: counters can wait for its end.
    if (this.quiet.window) return this.note();
    const outcome = await this.link.request("counters_get", {}, REQUEST_MS);
    if (outcome.kind === "answer") this.counters = outcome.body;
    if (this.can("drops") && !this.quiet.window) {
      const answer = await this.link.request("drops_get", {}, REQUEST_MS);
      if (answer.kind === "answer") this.drops = answer.body;
    }
    this.note();
  }

  /** Reads the calibrations that the board has not told yet; streams begin afterwards. */
  recall(): Promise<void> {
    this.recalling ??= (async () => {
      const named = this.channels.filter((channel) => channel !== undefined);
      const missing = this.calibrations.missing(named.map(({ channel }) => channel));
      for (const problem of await this.calibrations.load(missing)) this.hub.emit("log", this.name, 2, problem);
      const news = this.told ? missing : this.can("unproved") ? [] : named.map(({ channel }) => channel);
      this.told = true;
      for (const { channel, name } of named) {
        if (news.includes(channel)) this.hub.emit("calibration", name, this.calibrations.view(channel));
      }
    })().finally(() => {
      this.recalling = undefined;
    });
    return this.recalling;
  }

  /** Stores a channel's calibration. Streams rest meanwhile: the board takes no write while one runs. */
  async calibrate(channel: ChannelModel, record: CalibrationRecord): Promise<RequestOutcome> {
    this.updating = true;
    try {
      const still = await stopStreams(this.link);
      if (still !== undefined) return still;
      const outcome = await this.calibrations.store(channel.channel, record);
      if (outcome.kind === "answer") {
        this.hub.emit("calibration", channel.name, this.calibrations.view(channel.channel));
      }
      return outcome;
    } finally {
      this.updating = false;
      void this.renew();
    }
  }

  /** Names of the strap sequences that the bay file gives a target. */
  straps(channel: ChannelModel): string[] {
    return Object.keys(this.bay.targets.find(({ target }) => target === channel.name)?.straps ?? {});
  }

  /** Health of the targets as it is now. */
  private note(): void {
    const seen = this.drops;
    const dropped = {
      link_bytes: (seen?.link_overruns ?? 0) + (seen?.link_foreign ?? 0) + (seen?.link_stuck ?? 0),
      conversions: (seen?.converter_crc ?? 0) + (seen?.converter_overruns ?? 0),
      trips: seen?.trips_lost ?? 0,
      edges: seen?.edges_lost ?? 0,
    };
    for (const channel of this.channels) {
      if (channel === undefined) continue;
      channel.health = {
        board: this.link.lifecycle,
        link: this.link.session.port.open ? "open" : "closed",
        round_trip_ms: this.link.roundTrip_ms,
        recent_faults: this.link.quality.recent(),
        crc_errors: this.frameCounters().crc + (this.counters?.crc ?? 0),
        dropped,
        uptime_ms: this.link.uptime_ms,
        started_by: this.startedBy(),
        restarts: this.restarts,
        clock: this.link.clock.quality() ?? null,
        rack: this.rackPanel.health,
        limits: this.policy?.limits.get(channel.channel) ?? null,
        refused: this.refused(channel.channel),
      };
    }
  }

  /** What the board did not take of a channel's part of the bay file, and of its rack's. */
  private refused(of: number): string[] {
    const own = this.policy?.refused.filter(({ channel }) => channel === undefined || channel === of);
    return (own ?? []).map(({ text }) => text);
  }

  /** Takes an event, a state or a block of the board. */
  message(name: string, body: Body): void {
    if (name === "sample_block") this.measure.samples(body as unknown as Message<"sample_block">);
    else if (name === "monitor_block") {
      this.measure.monitors(body as unknown as Message<"monitor_block">, this.can("samples"));
    } else if (name === "channel_state") this.onState(body as unknown as Message<"channel_state">);
    else if (name === "marker_edge") {
      const edge = body as unknown as Message<"marker_edge">;
      const channel = this.channels[edge.channel - 1];
      if (channel !== undefined) this.onMarker(channel, edge);
    } else if (name === "button") {
      const press = body as unknown as Message<"button">;
      this.quiet.asked();
      this.hub.emit("button", this.rack, buttons[press.button] ?? "?", presses[press.press] ?? "?");
    } else if (name === "panel_state") {
      const p = body as unknown as Message<"panel_state">;
      this.panel = { page: p.page, lines: [p.line1, p.line2, p.line3, p.line4] };
      this.hub.emit("panel", this.rack, this.panel.page, this.panel.lines);
    } else if (name === "rack_state") {
      this.rackPanel.seen(body as unknown as Message<"rack_state">);
      // What is being recorded keeps its factors: they stand in its file.
      if (this.quiet.recordings === 0) this.calibrations.warm(this.rackPanel.health.temperature_c);
    } else if (name === "log") {
      this.hub.emit("log", this.name, body["level"] as number, body["text"] as string);
    }
  }

  private onMarker(channel: ChannelModel, { level, tick_us }: Message<"marker_edge">): void {
    this.hub.emit("marker", channel.name, level, this.measure.time(tick_us));
    this.quiet.edge(channel.channel, level);
    // Behind a window is the best time for what a later one would otherwise see.
    if (level === 1 || this.quiet.recordings === 0) return;
    if (!this.quiet.window) this.rackPanel.flush();
    if (this.quiet.due(performance.now())) void this.renew();
  }

  private onState(state: Message<"channel_state">): void {
    const channel = this.channels[state.channel - 1];
    if (channel !== undefined) this.observe(channel, state);
  }

  /** Tells that a target begins to boot. */
  begins(channel: ChannelModel): void {
    this.hub.emit("begin", channel.name);
  }

  /** Takes a reported state of a channel and tells subscribers what changed. */
  observe(channel: ChannelModel, state: Message<"channel_state"> | Message<"channel_answer">): void {
    const before = channel.fault?.id;
    const { closings } = channel;
    const changed = channel.apply(state);
    if (channel.closings !== closings) this.begins(channel);
    if (!changed) return;
    const cause = causeWord(state.cause);
    const source =
      cause === "panel" ? "local" : cause === "command" || cause === "rearm" ? channel.commandedBy : "policy";
    this.hub.emit("power", channel.view(), cause, source);
    if (channel.fault?.id !== before) this.hub.emit("fault", channel.view());
  }
}
