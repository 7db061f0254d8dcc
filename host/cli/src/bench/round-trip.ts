import { buildBundle } from "@mltb/firmware";
import {
  type Body,
  bodyCheck,
  createHostSession,
  type Message,
  nodeSeal,
  PowerAction,
  type RequestName,
} from "@mltb/protocol";
import { createSimulatedRack } from "@mltb/simulators";
import { type Benchmark, type Figure, spread } from "./figure.ts";

const COUNT = 200;
const SWITCHED = 20;

/**
 * Round trips to the real firmware bundle in a Lua board. Board time is virtual, so `device ms` counts what the board's
 * own schedule costs and does not depend on the machine; `wall us` is the host's work for one exchange.
 */
export const roundTrip: Benchmark = {
  name: "round-trip",
  about: "command round trip through link, firmware and simulated electronics",
  async run() {
    const bundle = await buildBundle("monitoring");
    const rack = await createSimulatedRack({
      rack: "bench",
      serial: "BENCH",
      bundle: bundle.source,
      seed: 1,
      clock: "virtual",
      targets: [{ name: "t1", channel: 1, load: { idle_w: 1, cpu_w: 0 } }],
    });
    let now = 0;
    const received: string[] = [];
    await rack.transport.open({
      onBytes: (chunk) => received.push(Buffer.from(chunk).toString("latin1")),
      onClose: () => undefined,
    });
    const session = createHostSession(
      { write: (bytes) => rack.transport.write(Buffer.from(bytes, "latin1")), room: () => 65_536 },
      nodeSeal,
      "bench",
      1,
      { onWelcome: () => undefined, onMessage: () => undefined, onLost: () => undefined, onPong: () => undefined },
    );
    const step = async (): Promise<void> => {
      now += 1;
      rack.advance(1);
      await new Promise((resolve) => setImmediate(resolve));
      for (const bytes of received.splice(0)) session.rx(bytes, now);
      session.tick(now);
    };
    session.connect(0);
    while (!session.port.open) await step();
    for (let i = 0; i < 200; i += 1) await step();

    const exchange = async (name: RequestName, body: Body): Promise<{ device_ms: number; wall_us: number }> => {
      const from = now;
      const started = performance.now();
      let done = false;
      session.request(name, body as unknown as Message<typeof name>, 5000, now, (outcome) => {
        if (outcome.kind !== "answer") throw new Error(`${name}: ${outcome.kind}`);
        done = true;
      });
      while (!done) await step();
      return { device_ms: now - from, wall_us: (performance.now() - started) * 1000 };
    };
    const figures: Figure[] = [];
    interface Series {
      device: number[];
      wall: number[];
    }
    const add = ({ device, wall }: Series, one: { device_ms: number; wall_us: number }): void => {
      device.push(one.device_ms);
      wall.push(one.wall_us);
    };
    const report = (quantity: string, { device, wall }: Series): void => {
      figures.push({
        benchmark: "round-trip",
        quantity: `${quantity}, board time`,
        ...spread(device),
        unit: "ms",
        count: "virtual",
      });
      figures.push({ benchmark: "round-trip", quantity: `${quantity}, host work`, ...spread(wall), unit: "us" });
    };
    const series = async (quantity: string, name: RequestName, body: Body): Promise<void> => {
      const all: Series = { device: [], wall: [] };
      for (let i = 0; i < COUNT; i += 1) add(all, await exchange(name, body));
      report(quantity, all);
    };
    await series("echo of 64 B", "echo", { data: "x".repeat(64) });
    await series("read a channel", "channel_get", { channel: 1 });
    const on: Series = { device: [], wall: [] };
    const off: Series = { device: [], wall: [] };
    for (let i = 0; i < SWITCHED; i += 1) {
      for (const [all, action] of [
        [on, PowerAction.on],
        [off, PowerAction.off],
      ] as const) {
        add(all, await exchange("power_set", { channel: 1, action, off_ms: 0, check: bodyCheck(1, action, 0) }));
      }
    }
    report("on, proved", on);
    report("off, discharged and proved", off);
    await rack.stop();
    return figures;
  },
};
