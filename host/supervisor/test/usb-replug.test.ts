import { monitoringUsb } from "@mltb/hardware";
import { bodyCheck, PowerAction } from "@mltb/protocol";
import { random, type SimulatedRack } from "@mltb/simulators";
import { afterEach, expect, test } from "vitest";
import { portTransport } from "../src/link/port-transport.ts";
import { createPorts, type PortChange, type PortInfo } from "../src/link/ports.ts";
import type { OpenPortAt } from "../src/link/serial.ts";
import { PortError } from "../src/link/transport.ts";
import { type VirtualBay, virtualBay } from "./virtual.ts";

const LONG = process.env["MLTB_LONG"] === "1";
const REPLUGS = LONG ? 1000 : 20;
const identity = { vid: monitoringUsb.vendor_id, pid: monitoringUsb.product_id, serial: "SIM-1" };

/** A USB socket: what is plugged in gets another path each time, as the kernel may give it. */
function createSocket(alwaysSamePath: boolean) {
  let rack: SimulatedRack;
  let plugged: PortInfo | undefined;
  let number = 0;
  let hint: (path?: string) => void = () => undefined;
  /** A driver that says nothing when its device goes. */
  let mute = false;
  const other = { path: "/dev/ttyACM7", vid: identity.vid, pid: identity.pid, serial: "SIM-OTHER" };
  const ports = createPorts({
    list: async () => (plugged === undefined ? [other] : [other, plugged]),
    hints(onHint) {
      hint = onHint;
      return () => undefined;
    },
  });
  const openAt: OpenPortAt = async (path, handlers) => {
    if (plugged?.path !== path) throw new PortError("absent", `${path} is gone`);
    const mine = plugged;
    await rack.transport.open({
      onBytes: (chunk) => plugged === mine && handlers.onBytes(chunk),
      onClose: (reason) => mute || handlers.onClose(reason),
    });
    return {
      write: (bytes) => plugged === mine && rack.transport.write(bytes),
      room: () => (plugged === mine ? rack.transport.room() : 0),
      close: () => (plugged === mine ? rack.transport.close() : Promise.resolve()),
    };
  };
  return {
    transport(of: SimulatedRack) {
      rack = of;
      return portTransport({ usb: identity }, ports, openAt);
    },
    ports,
    plug() {
      rack.restoreLink();
      plugged = { path: `/dev/ttyACM${alwaysSamePath ? 0 : number++ % 3}`, ...identity };
      hint(plugged.path);
    },
    unplug(driverIsMute: boolean, hinted = true) {
      mute = driverIsMute;
      const path = plugged?.path;
      plugged = undefined;
      rack.cutLink();
      mute = false;
      if (hinted) hint(path);
    },
  };
}

let bay: VirtualBay | undefined;
afterEach(async () => {
  await bay?.stop();
  bay = undefined;
});

test.each([
  ["usb-replug-other-path", false],
  ["usb-replug-same-path", true],
])(
  `%s: ${REPLUGS} times, usable within 300 ms of the port's coming, nothing replayed, no event missed`,
  async (_name, samePath) => {
    const source = random(11);
    const socket = createSocket(samePath);
    bay = await virtualBay(1, (rack) => socket.transport(rack));
    const { board, rack } = bay.boards[0] as (typeof bay.boards)[0];
    const changes: string[] = [];
    socket.ports.watch(({ kind, port }: PortChange) => port.serial === "SIM-1" && changes.push(kind));
    const states: string[] = [];
    bay.hub.on("lifecycle", (_board, state) => states.push(state));
    /** Switchings of the channel, as its pin shows them. */
    let edges = 0;
    let level = 0;
    const latch = rack.electronics.chain.onLatch;
    rack.electronics.chain.onLatch = () => {
      latch?.();
      const now = rack.electronics.chain.output(rack.electronics.board.channels[0]?.switch_bit ?? -1);
      if (now !== level) edges += 1;
      level = now;
    };
    socket.plug();
    await bay.until(() => board.link.lifecycle === "ready", 1000);
    let commands = 0;
    let slowest_ms = 0;
    const outcomes: string[] = [];
    for (let n = 0; n < REPLUGS; n += 1) {
      await bay.run(Math.floor(source.uniform() * 150));
      if (n % 3 === 0) {
        // A command is under way when the cable goes: it may have run or not, and is not sent again.
        commands += 1;
        const action = level === 1 ? PowerAction.off : PowerAction.on;
        const check = bodyCheck(1, action, 0);
        void board.link
          .request("power_set", { channel: 1, action, off_ms: 0, check }, 3000)
          .then(({ kind }) => outcomes.push(kind));
        await bay.run(Math.floor(source.uniform() * 8));
      }
      const asked = states.length;
      const away = Math.floor(source.uniform() * 4);
      // The quickest ones are over before anybody has looked: only the hints tell.
      socket.unplug(n % 4 === 1, away > 0 || n % 2 === 0);
      await bay.run(away === 0 ? 0 : away * 90);
      socket.plug();
      const plugged_ms = bay.now();
      await bay.until(() => states.slice(asked).includes("ready"), 2000);
      let answered = false;
      void board.link.request("channel_get", { channel: 1 }, 1000).then(({ kind }) => {
        answered = kind === "answer";
      });
      await bay.until(() => answered, 1000);
      slowest_ms = Math.max(slowest_ms, bay.now() - plugged_ms);
      expect(states.slice(asked)[0]).toBe("lost");
    }
    expect(slowest_ms).toBeLessThanOrEqual(300);
    await bay.run(1000);
    expect(states.filter((state) => state === "lost")).toHaveLength(REPLUGS);
    expect(states.filter((state) => state === "ready")).toHaveLength(REPLUGS + 1);
    expect(changes.filter((kind) => kind === "removed")).toHaveLength(REPLUGS);
    expect(changes.filter((kind) => kind === "added")).toHaveLength(REPLUGS + 1);
    expect(edges).toBeLessThanOrEqual(commands);
    expect(outcomes).toHaveLength(commands);
    expect(board.channels[0]?.power).toBe(level === 1 ? "on" : "off");
  },
  900_000,
);

test("another-board-at-the-port: a board with another serial number is not taken for this one", async () => {
  const socket = createSocket(true);
  bay = await virtualBay(1, (rack) => socket.transport(rack));
  const { board } = bay.boards[0] as (typeof bay.boards)[0];
  await bay.run(500);
  expect(board.link.lifecycle).toBe("absent");
  expect(board.link.reason).toContain("no port is usb 1209:0001 serial SIM-1");
});
