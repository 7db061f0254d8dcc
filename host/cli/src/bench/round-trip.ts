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
    const series = async (quantity: string, count: number, next: (i: number) => [RequestName, Body]): Promise<void> => {
      const device: number[] = [];
      const wall: number[] = [];
      for (let i = 0; i < count; i += 1) {
        const one = await exchange(...next(i));
        device.push(one.device_ms);
        wall.push(one.wall_us);
      }
      figures.push({
        benchmark: "round-trip",
        quantity: `${quantity}, board time`,
        ...spread(device),
        unit: "ms",
        count: "virtual",
      });
      figures.push({ benchmark: "round-trip", quantity: `${quantity}, host work`, ...spread(wall), unit: "us" });
    };
    await series("echo of 64 B", COUNT, () => ["echo", { data: "x".repeat(64) }]);
    await series("read a channel", COUNT, () => ["channel_get", { channel: 1 }]);
    await series("on or off, proved", 40, (i) => {
      const action = i % 2 === 0 ? PowerAction.on : PowerAction.off;
      return ["power_set", { channel: 1, action, off_ms: 0, check: bodyCheck(1, action, 0) }];
    });
    await rack.stop();
    return figures;
  },
};
