import { HostLoss, type RequestOutcome } from "@mltb/protocol";
import { random } from "../../src/world/random.ts";
import { OWN } from "../scenarios/settings.ts";
import { type Belief, begun, outcomeName, type Span } from "./channel.ts";
import { type Driver, type DriverOptions, ModelDifference, PowerLost } from "./driver-types.ts";
import { createModelHost } from "./host.ts";
import { createInvariants } from "./invariants.ts";
import { readBack } from "./kept.ts";
import { apply, isQuick } from "./physics.ts";
import { advance, closing, hostLost, type ModelChannel, outage, type RackModel, rest_ms, stalled } from "./rack.ts";

/** Operations that a report shows: of all channels, and of the one that differs. */
const LAST = 16;
const KEPT = 400;
/** From the end of a movement to the message that tells of it. */
const TOLD_MS = 30;

function freshChannel(loaded: boolean): ModelChannel {
  return {
    beliefs: [{ ...begun([0, 0], 0, false, false) }],
    physics: "none",
    physics_ms: 0,
    physicsLate_ms: 0,
    loaded,
    settings: { ...OWN },
    limits: { hard_ma: 2950, slow_ma: 2800, slow_ms: 60, inrush_ma: 4000, inrush_ms: 20 },
  };
}

/** The model's name of how a request ended. */
function nameOf(outcome: RequestOutcome): string {
  if (outcome.kind === "refused") return `refused ${outcome.code}`;
  if (outcome.kind !== "answer") return outcome.kind;
  const { outcome: how } = outcome.body as { outcome?: number };
  return how === undefined ? "answer" : outcomeName(how);
}

const short = ({ answers, ...of }: Belief): string => JSON.stringify({ ...of, ...answers });

export async function createDriver(options: DriverOptions): Promise<Driver> {
  const { rung, seed } = options;
  const host = await createModelHost(rung);
  const source = random(seed);
  const count = rung.electronics.board.channels.length;
  const rack: RackModel = {
    channels: Array.from({ length: count }, (_, i) => freshChannel(options.loads?.includes(i) === true)),
    budget_ma: 0,
    stagger_ms: 0,
    stagger_before_ms: 0,
    stagger_least_ms: 0,
    stagger_asked_ms: undefined,
    closable_ms: 0,
  };
  const invariants = createInvariants(rung, rack, host.now_ms);
  /** Requests whose end has not been seen: number to channel. */
  const open = new Map<number, number>();
  /** Ends that came while their request was under way. */
  let ends: { id: number; name: string }[] = [];
  let numbers = 0;
  const log: string[] = [];

  function fail(what: string, index = -1): never {
    const own = log.filter(
      (line) => line.includes(`"channel":${index + 1},`) || line.includes(`channel ${index + 1}:`),
    );
    const lines = rack.channels.map(
      ({ beliefs, physics, loaded, settings, limits }, i) =>
        `${i + 1} ${physics}${loaded ? ", loaded" : ""} ${JSON.stringify({ ...settings, ...limits })}\n   ${beliefs.map(short).join("\n   ")}`,
    );
    throw new ModelDifference(
      [
        `seed ${seed}, operation ${driver.done.join(" ")}, ${host.now_ms()} ms: ${what}`,
        "last operations:",
        ...log.slice(-LAST),
        ...(index < 0 ? [] : [`last operations of channel ${index + 1}:`, ...own.slice(-LAST)]),
        `the model holds for possible, with a budget of ${rack.budget_ma} mA and switches ${rack.stagger_ms} ms apart:`,
        ...lines,
      ].join("\n"),
    );
  }

  /** Keeps of a channel's beliefs those that fit what was seen. */
  function filter(index: number, what: string, fits: (of: Belief) => boolean): void {
    const channel = rack.channels[index] as ModelChannel;
    const left = channel.beliefs.filter(fits);
    if (left.length === 0) fail(`channel ${index + 1}: ${what}`, index);
    channel.beliefs = left;
  }

  function takeEnds(): void {
    const taken = ends;
    ends = [];
    for (const { id, name } of taken) {
      const index = open.get(id);
      if (index === undefined) continue;
      open.delete(id);
      filter(index, `request ${id} ended with ${name}`, (of) => of.answers[id] === name);
      const channel = rack.channels[index] as ModelChannel;
      channel.beliefs = channel.beliefs.map((of) => {
        const { [id]: _, ...answers } = of.answers;
        return { ...of, answers };
      });
    }
  }

  function compare(): void {
    const now_ms = host.now_ms();
    advance(rack, now_ms);
    takeEnds();
    const { chain, rails, board } = rung.electronics;
    for (const [i, channel] of rack.channels.entries()) {
      const { discharge_bit, reset_bit } = board.channels[i] as (typeof board.channels)[0];
      const closed = rails[i]?.switchOn === true;
      if (closed && channel.beliefs.some((of) => !of.closed)) closing(rack, now_ms);
      const discharge = chain.output(discharge_bit) === 1;
      const reset = chain.output(reset_bit) === 1;
      const seen = `switch ${closed}, discharge ${discharge}, reset ${reset}`;
      // Between the two writes that move a channel its switch is open already, or still, and the rail not discharged.
      const moving = (of: Belief): boolean => !closed && !discharge && !reset && now_ms - of.since[1] <= 1;
      filter(
        i,
        seen,
        (of) =>
          moving(of) ||
          ((of.closed === closed || (of.closed && isQuick(channel.physics))) &&
            (!of.closed && !of.floating) === discharge &&
            of.reset === reset),
      );
      const told = host.told[i];
      const moved_ms = Math.max(...channel.beliefs.map((of) => of.since[1]));
      if (told === undefined || !driver.rests(i) || now_ms - moved_ms < TOLD_MS || host.silent) continue;
      const { state, fault, cause } = told;
      filter(
        i,
        `told state ${state}, fault ${fault}, cause ${cause}`,
        (of) => of.state === state && of.fault === fault && of.cause === cause,
      );
    }
    const broken = invariants.broken();
    if (broken !== undefined) fail(broken);
  }

  async function arrive(): Promise<void> {
    if (!(await host.until(() => host.delivered() || driver.cut_ms !== undefined, 3000)))
      fail("a request does not arrive");
  }

  const driver: Driver = {
    rung,
    host,
    rack,
    source,
    done: new Array<number>(count).fill(0),
    running: () => open.size,
    calibrations: new Array(count).fill(undefined),
    asked: undefined,
    cut_ms: undefined,
    note(text) {
      log.push(`${host.now_ms()} ms: ${text}`);
      if (log.length > 2 * KEPT) log.splice(0, KEPT);
    },
    fail,
    async command(name, index, body, model) {
      numbers += 1;
      const id = numbers;
      const from_ms = host.now_ms();
      open.set(id, index);
      driver.note(`${id} ${name} ${JSON.stringify(body)}`);
      host.send(name, body as never, (outcome) => ends.push({ id, name: nameOf(outcome) }));
      await arrive();
      const before = rack.channels[index]?.beliefs ?? [];
      model(id, [from_ms, host.now_ms()]);
      if (driver.cut_ms !== undefined) {
        (rack.channels[index] as ModelChannel).beliefs.push(...before);
        throw new PowerLost();
      }
      compare();
    },
    async ask(name, body, noted = true) {
      let outcome: RequestOutcome | undefined;
      host.send(name, body as never, (ended) => {
        outcome = ended;
      });
      if (!(await host.until(() => outcome !== undefined || driver.cut_ms !== undefined, 3000))) {
        fail(`${name} is not answered`);
      }
      if (driver.cut_ms !== undefined) throw new PowerLost();
      const ended = outcome as unknown as RequestOutcome;
      if (noted) driver.note(`${name} ${JSON.stringify(body)} -> ${nameOf(ended)}`);
      return { reply: nameOf(ended), outcome: ended };
    },
    compare,
    rests: (index) =>
      rest_ms({ ...rack, channels: [rack.channels[index] as ModelChannel] }) <= host.now_ms() &&
      rack.channels[index]?.beliefs.every((of) => of.phase === "resting") === true,
    async settle() {
      do {
        const until_ms = Math.max(rest_ms(rack), host.now_ms()) + TOLD_MS;
        await host.until(() => host.now_ms() >= until_ms || driver.cut_ms !== undefined, Number.POSITIVE_INFINITY);
        if (driver.cut_ms !== undefined) throw new PowerLost();
        compare();
      } while (rest_ms(rack) > host.now_ms());
      rack.stagger_before_ms = rack.stagger_ms;
      // What is still open now would never end.
      const [id] = open.keys();
      if (id !== undefined) fail(`request ${id} is not answered`);
    },
    async outage() {
      driver.note("outage");
      const from_ms = host.now_ms();
      await options.powerCycle();
      await host.run(options.boot_ms ?? 3);
      await driver.begunAnew([from_ms, host.now_ms()]);
    },
    async begunAnew(at) {
      invariants.forget();
      driver.cut_ms = undefined;
      open.clear();
      ends = [];
      await host.connect();
      await readBack(driver);
      outage(rack, at);
      compare();
    },
    async silence() {
      const from_ms = host.now_ms();
      host.silent = true;
      const long = source.uniform() < 0.7;
      driver.note(long ? "silence until the policy" : "silence");
      // Shorter than the shortest time of a policy.
      if (!long) await host.run(Math.floor(source.uniform() * 250));
      else {
        const policies = rack.channels.map(({ settings }, i) => ({ i, settings }));
        const away = policies.filter(({ settings }) => settings.host_loss === HostLoss.off);
        away.sort((a, b) => a.settings.host_loss_ms - b.settings.host_loss_ms);
        // A host is lost after 1.8 s of silence, or sooner where it acknowledges nothing.
        for (const { i, settings } of away) {
          const at: Span = [from_ms + 50 + settings.host_loss_ms, from_ms + 1900 + settings.host_loss_ms];
          await host.run(Math.max(0, at[0] - host.now_ms()));
          advance(rack, Math.max(at[0], host.now_ms()));
          hostLost(rack, i, at);
        }
        await host.run(Math.max(0, from_ms + 1900 + 700 - host.now_ms()));
      }
      await host.connect();
      open.clear();
      ends = [];
      compare();
    },
    change(index) {
      const channel = rack.channels[index] as ModelChannel;
      channel.physics_ms = host.now_ms();
      channel.physicsLate_ms = 0;
      apply(rung, index, channel);
    },
  };
  host.onLog = driver.note;
  let busy_us = 0;
  const spends = <A extends unknown[]>(operation: (...args: A) => number): ((...args: A) => number) => {
    return (...args) => {
      const took_us = operation(...args);
      busy_us += took_us;
      const ms = Math.floor(busy_us / 1000);
      busy_us -= 1000 * ms;
      if (ms > 0) stalled(rack, ms, host.now_ms());
      return took_us;
    };
  };
  const { flash } = options;
  flash.erase = spends(flash.erase);
  flash.program = spends(flash.program);
  await host.run(200);
  for (const [i, channel] of rack.channels.entries()) {
    channel.beliefs = channel.beliefs.map((of) => ({ ...of, since: [0, 100] }));
    driver.change(i);
    channel.physics_ms = 0;
  }
  compare();
  return driver;
}
