import { random } from "@mltb/simulators";
import { afterEach, expect, test } from "vitest";
import type { CommandResult } from "../src/call.ts";
import type { PortChange } from "../src/link/ports.ts";
import { createSocket } from "./usb-socket.ts";
import { scale, type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

const REPLUGS = scale(20, 200, 1000);
const SEED = 11;
const USABLE_MS = 300;

let bay: VirtualCommands;
afterEach(() => bay.stop());

test.each([
  ["usb-replug-other-path", false],
  ["usb-replug-same-path", true],
])(
  `%s: ${REPLUGS} times, usable within ${USABLE_MS} ms of the port's coming, the lease kept, nothing replayed, no event missed`,
  { timeout: 0 },
  async (_name, samePath) => {
    const source = random(SEED);
    const socket = createSocket(samePath);
    bay = await virtualCommands("off", { transport: (rack) => socket.transport(rack), plug: () => socket.plug() });
    const { board, rack, time } = bay;
    // Streams too come and go with the cable.
    board.updating = false;
    const [switched, tripped] = bay.targets as [string, string];
    const changes: string[] = [];
    socket.ports.watch(({ kind, port }: PortChange) => port.serial === "SIM-1" && changes.push(kind));
    const states: string[] = [];
    time.hub.on("lifecycle", (_board, state) => states.push(state));
    const faults: string[] = [];
    time.hub.on("fault", ({ name, fault }) => fault !== null && faults.push(name));
    const leases: unknown[] = [];
    time.hub.on("lease", (_target, lease) => leases.push(lease));
    /** Switchings of the first channel, as its pin shows them. */
    let edges = 0;
    let level = 0;
    const latch = rack.electronics.chain.onLatch;
    rack.electronics.chain.onLatch = () => {
      latch?.();
      const now = rack.electronics.chain.output(rack.electronics.board.channels[0]?.switch_bit ?? -1);
      if (now !== level) edges += 1;
      level = now;
    };
    const request = {
      ...{ targets: [switched, tripped], holder: "ada", user: "ada" },
      ...{ ttl_ms: 86_400_000, priority: 0, hold: false, experiment: false },
    };
    const lease = await bay.state.leases.acquire(bay.caller("ada"), request, 0, new AbortController().signal);
    if ("status" in lease) throw new Error(lease.message);
    leases.length = 0;
    const ada = (id?: string) => bay.caller("ada", { lease: lease.id, ...(id === undefined ? {} : { id }) });
    const ended = async (running: Promise<CommandResult>): Promise<CommandResult> => {
      let result: CommandResult | undefined;
      void running.then((value) => {
        result = value;
      });
      await time.until(() => result !== undefined, 10_000);
      return result as CommandResult;
    };
    const power = (user: ReturnType<typeof ada>, target: string, state: string) =>
      bay.commands.run(user, "target", target, "power", { state });
    const on = await ended(power(ada(), tripped, "on"));
    expect(on.status).toBe("done");

    let commands = 0;
    let trips = 0;
    let slowest_ms = 0;
    const results: CommandResult[] = [];
    for (let n = 0; n < REPLUGS; n += 1) {
      await time.run(Math.floor(source.uniform() * 150));
      if (n % 3 === 0) {
        // A command is under way when the cable goes: it may have run or not, and is not sent again.
        commands += 1;
        void power(ada(`c${n}`), switched, level === 1 ? "off" : "on").then((result) => results.push(result));
        await time.run(Math.floor(source.uniform() * 8));
      }
      const asked = states.length;
      const away = Math.floor(source.uniform() * 4);
      // The quickest ones are over before anybody has looked: only the hints tell.
      socket.unplug(n % 4 === 1, away > 0 || n % 2 === 0);
      if (away === 3) {
        // What the board does while nobody hears it is told when it is back.
        trips += 1;
        rack.electronics.breakChannel(1, "short");
      }
      await time.run(away * 45);
      if (away > 0) {
        // The lease holds while the board is away, and its holder is told why nothing moves.
        expect(await ended(power(bay.caller("bob"), switched, "on"))).toMatchObject({ code: "leased" });
        expect(await ended(power(ada(), switched, "on"))).toMatchObject({ code: "board_lost" });
      }
      await time.run(away * 45);
      if (away === 3) rack.electronics.breakChannel(1, "none");
      socket.plug();
      const plugged_ms = time.now();
      await time.until(() => states.slice(asked).includes("ready"), 2000);
      let answered = false;
      void board.link.request("channel_get", { channel: 1 }, 1000).then(({ kind }) => {
        answered = kind === "answer";
      });
      await time.until(() => answered, 1000);
      slowest_ms = Math.max(slowest_ms, time.now() - plugged_ms);
      expect(states.slice(asked)[0]).toBe("lost");
      expect(bay.state.leases.of(switched)).toMatchObject({ id: lease.id, holder: "ada", fence: lease.fence });
      if (away < 3) continue;
      await time.until(() => faults.length === trips, 1000);
      const { channel } = bay.commands.find(tripped);
      const fault = channel.fault?.id ?? "none";
      for (let tries = 0; channel.fault !== null && tries < 20; tries += 1) {
        await ended(bay.commands.run(ada(), "target", tripped, "rearm", { fault }));
        await time.run(100);
      }
      expect(await ended(power(ada(), tripped, "on"))).toMatchObject({ status: "done" });
    }
    expect(slowest_ms).toBeLessThanOrEqual(USABLE_MS);
    await time.run(4000);
    expect(states.filter((state) => state === "lost")).toHaveLength(REPLUGS);
    expect(states.filter((state) => state === "ready")).toHaveLength(REPLUGS);
    expect(changes.filter((kind) => kind === "removed")).toHaveLength(REPLUGS);
    expect(changes.filter((kind) => kind === "added")).toHaveLength(REPLUGS);
    expect(trips).toBeGreaterThan(REPLUGS / 8);
    expect(faults).toEqual(Array(trips).fill(tripped));
    expect(results).toHaveLength(commands);
    expect(new Set(results.map((result) => result.status))).toContain("unknown");
    expect(bay.sent.get(1)).toHaveLength(commands);
    expect(edges).toBeLessThanOrEqual(commands);
    expect(bay.commands.find(switched).channel.power).toBe(level === 1 ? "on" : "off");
    expect(leases).toEqual([]);
  },
);
