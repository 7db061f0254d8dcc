import { monitoringBoard, monitoringConverter } from "@mltb/hardware";
import { bodyCheck, Fault, type Message, PowerAction, Stream, TripSource } from "@mltb/protocol";
import { random } from "../../src/world/random.ts";
import { type Bench, openBench, type Rung } from "../bench.ts";

const CHANNELS = 8;
const OVER_A = 3.3;
/** Between the slow limit and the hard one: neither the monitor's alert nor the compare says anything. */
const SLOW_A = (monitoringBoard.limits.rated_a + monitoringBoard.limits.hard_a) / 2;

/** What may open a switch at the hard limit, and why the other one cannot while this one is measured. */
export const tripPaths = [
  { name: "alert pin of the monitor", source: TripSource.alert, blind: "the converter reads nothing" },
  { name: "compare of the sampler", source: TripSource.sampler, blind: "the alert outputs are cut off" },
] as const;

interface Reactions {
  /** From the step of the load to the open switch, in device time; infinite where it stayed closed. */
  reactions_us: number[];
  /** What each trip said of itself; undefined where none came. */
  trips: { channel: number; trip: Message<"trip"> | undefined }[];
  /** Fewest echoes and rows of samples in a millisecond of device time, of all rounds of eight crossings. */
  echoes_per_ms: number;
  rows_per_ms: number;
}

/** All channels on, full-rate stream, and a host that keeps the collector busy with echoes. */
async function busyBoard(rung: Rung): Promise<{
  bench: Bench;
  allOn(): Promise<void>;
  renew(): Promise<unknown>;
  run(ms: number): Promise<void>;
  echoes(): number;
}> {
  const bench = await openBench(rung);
  let pending = 0;
  let echoes = 0;
  const run = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 1) {
      if (pending < 2) {
        pending += 1;
        void bench.send("echo", { data: "x".repeat(64) }).then(() => {
          pending -= 1;
          echoes += 1;
        });
      }
      await bench.run(1);
    }
  };
  const allOn = async (): Promise<void> => {
    const answers: Promise<{ kind: string }>[] = [];
    for (let channel = 1; channel <= CHANNELS; channel += 1) {
      const check = bodyCheck(channel, PowerAction.on, 0);
      answers.push(bench.send("power_set", { channel, action: PowerAction.on, off_ms: 0, check }));
    }
    let done = false;
    void Promise.all(answers).then(() => {
      done = true;
    });
    while (!done) await run(1);
    // The inrush profile of the last channel must have ended.
    await run(60);
  };
  const renew = (): Promise<unknown> =>
    bench.send("stream_open", {
      stream: Stream.samples,
      ttl_ms: 60_000,
      period_us: 1e6 / monitoringConverter.rate_hz,
    });
  void renew();
  await allOn();
  return { bench, allOn, renew, run, echoes: () => echoes };
}

/** Told of every switch that opens or closes, with the device time, exact to a microsecond. */
function watchSwitches(bench: Bench, told: (channel: number, on: boolean, at_us: number) => void): void {
  for (const [n, rail] of bench.electronics.rails.entries()) {
    let on = rail.switchOn;
    Object.defineProperty(rail, "switchOn", {
      get: () => on,
      set(next: boolean) {
        if (on !== next) told(n, next, Math.ceil(bench.clock_us()));
        on = next;
      },
    });
  }
}

/**
 * Crosses the hard limit of one channel after the other on a busy board, at seeded microseconds of its clock,
 * and takes the time until the switch opens. A crossing counts from the conversion before it, the next one is the first to
 * see it: no phase against the converter is worse. Only one of the two paths sees the current.
 */
export async function hardOverCurrents(
  rung: Rung,
  { source }: (typeof tripPaths)[number],
  crossings: number,
): Promise<Reactions> {
  const { bench, allOn, renew, run, echoes } = await busyBoard(rung);
  const { electronics } = bench;
  const at = random(source);
  const opened = new Map<number, number>();
  watchSwitches(bench, (n, on, at_us) => {
    if (!on) opened.set(n, at_us);
  });
  if (source === TripSource.alert) electronics.fastInputs_v = () => new Array<number>(CHANNELS).fill(0);
  else for (const monitor of electronics.monitors) Object.assign(monitor, { onAlert: undefined, alert: () => false });

  const reactions_us: number[] = [];
  const trips: Reactions["trips"] = [];
  let rows = 0;
  const forget = (): void => {
    for (const { name, body } of bench.messages) if (name === "sample_block") rows += Number(body["rows"]);
    bench.messages.length = 0;
  };
  let echoes_per_ms = Number.POSITIVE_INFINITY;
  let rows_per_ms = Number.POSITIVE_INFINITY;
  forget();
  while (reactions_us.length < crossings) {
    const before = { echoes: echoes(), us: electronics.now_us() };
    rows = 0;
    void renew();
    for (let n = 0; n < CHANNELS && reactions_us.length < crossings; n += 1) {
      await run(1 + Math.floor(at.uniform() * 7));
      await bench.run(at.uniform());
      opened.delete(n);
      forget();
      const crossed_us = electronics.now_us();
      const rail = electronics.rails[n] as (typeof electronics.rails)[0];
      rail.extra_a = OVER_A;
      await run(6);
      reactions_us.push((opened.get(n) ?? Number.POSITIVE_INFINITY) - crossed_us);
      rail.extra_a = 0;
      const found = (): Message<"trip"> | undefined =>
        bench.messages.find((m) => m.name === "trip")?.body as unknown as Message<"trip"> | undefined;
      for (let waited = 0; waited < 200 && found() === undefined; waited += 1) await run(1);
      trips.push({ channel: n + 1, trip: found() });
      const fault = Fault.hard_over_current;
      void bench.send("rearm", { channel: n + 1, fault, check: bodyCheck(n + 1, fault, 0) });
    }
    await run(300);
    await allOn();
    forget();
    const round_ms = (electronics.now_us() - before.us) / 1000;
    echoes_per_ms = Math.min(echoes_per_ms, (echoes() - before.echoes) / round_ms);
    rows_per_ms = Math.min(rows_per_ms, rows / round_ms);
  }
  await bench.stop();
  return { reactions_us, trips, echoes_per_ms, rows_per_ms };
}

/**
 * Crosses the slow limit, and not the hard one, of one channel after the other on a busy board: from the step of the load to the
 * open switch, in device time; infinite where it stayed closed.
 */
export async function slowOverCurrents(
  rung: Rung,
  crossings: number,
): Promise<{
  reactions_us: number[];
  /** What each channel said afterwards. */
  faults: number[];
  /** Fewest rows of samples in a millisecond, of all rounds. */
  rows_per_ms: number;
}> {
  const { bench, allOn, renew, run } = await busyBoard(rung);
  const { electronics } = bench;
  const at = random(crossings);
  const opened = new Map<number, number>();
  watchSwitches(bench, (n, on, at_us) => {
    if (!on) opened.set(n, at_us);
  });
  const reactions_us: number[] = [];
  const faults: number[] = [];
  let rows_per_ms = Number.POSITIVE_INFINITY;
  bench.messages.length = 0;
  while (reactions_us.length < crossings) {
    const from_us = electronics.now_us();
    void renew();
    for (let n = 0; n < CHANNELS && reactions_us.length < crossings; n += 1) {
      await run(1 + Math.floor(at.uniform() * 17));
      await bench.run(at.uniform());
      opened.delete(n);
      const crossed_us = electronics.now_us();
      const rail = electronics.rails[n] as (typeof electronics.rails)[0];
      rail.extra_a = SLOW_A - rail.current_a;
      await run(monitoringBoard.limits.slow_ms + 60);
      reactions_us.push((opened.get(n) ?? Number.POSITIVE_INFINITY) - crossed_us);
      rail.extra_a = 0;
      const state = await bench.request("channel_get", { channel: n + 1 });
      faults.push(state.kind === "answer" ? state.body.fault : -1);
      const fault = Fault.over_current;
      void bench.send("rearm", { channel: n + 1, fault, check: bodyCheck(n + 1, fault, 0) });
    }
    await run(300);
    await allOn();
    let rows = 0;
    for (const { name, body } of bench.messages) if (name === "sample_block") rows += Number(body["rows"]);
    bench.messages.length = 0;
    rows_per_ms = Math.min(rows_per_ms, (1000 * rows) / (electronics.now_us() - from_us));
  }
  await bench.stop();
  return { reactions_us, faults, rows_per_ms };
}

/**
 * Switches channels on that draw more than the hard limit and less than the inrush profile allows: from the end of the profile,
 * counted from the closing of the switch, to the open switch.
 *
 * @param alone the converter reads nothing: the monitor's limit, which Lua puts back, is what opens the switch
 */
export async function crossingsBehindInrush(
  rung: Rung,
  inrush_ms: number,
  crossings: number,
  alone = false,
): Promise<number[]> {
  const { bench, run, renew } = await busyBoard(rung);
  if (alone) bench.electronics.fastInputs_v = () => new Array<number>(CHANNELS).fill(0);
  const closed = new Map<number, number>();
  const reactions_us: number[] = [];
  watchSwitches(bench, (n, on, at_us) => {
    if (on) closed.set(n, at_us);
    else if (closed.has(n)) reactions_us.push(at_us - (closed.get(n) as number) - inrush_ms * 1000);
  });
  for (let n = 0; n < crossings; n += 1) {
    const index = n % CHANNELS;
    const channel = index + 1;
    const switchTo = (action: number): Promise<unknown> =>
      bench.send("power_set", { channel, action, off_ms: 0, check: bodyCheck(channel, action, 0) });
    closed.delete(index);
    let off = false;
    void switchTo(PowerAction.off).then(() => {
      off = true;
    });
    for (let waited = 0; waited < 1000 && !off; waited += 1) await run(1);
    const rail = bench.electronics.rails[index] as (typeof bench.electronics.rails)[0];
    rail.extra_a = OVER_A;
    void renew();
    void switchTo(PowerAction.on);
    await run(60 + (n % 7));
    rail.extra_a = 0;
    const fault = Fault.hard_over_current;
    void bench.send("rearm", { channel, fault, check: bodyCheck(channel, fault, 0) });
    await run(50);
    closed.delete(index);
    bench.messages.length = 0;
  }
  await bench.stop();
  return reactions_us;
}
