import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BayTarget } from "@mltb/contract";
import { createPtyCarrier } from "@mltb/simulators";
import { afterEach, expect, test } from "vitest";
import { createHub } from "../src/events.ts";
import { TargetConsole } from "../src/features/console.ts";
import { consolePort } from "../src/link/console-port.ts";
import { DeviceLink } from "../src/link/device-link.ts";
import { portTransport } from "../src/link/port-transport.ts";
import { createPorts, type PortInfo } from "../src/link/ports.ts";
import type { ByteTransport } from "../src/link/transport.ts";
import { until } from "./bay.ts";
import { createSocket } from "./usb-socket.ts";
import type { VirtualBoard } from "./virtual.ts";
import { type VirtualCommands, virtualCommands } from "./virtual-commands.ts";

let bay: VirtualCommands | undefined;
afterEach(async () => {
  await bay?.stop();
  bay = undefined;
});

const board = (path: string): PortInfo => ({ path, vid: 0x1209, pid: 1, serial: "A" });

test("labgrid#245, labgrid#1198 what happens between two looks at USB is missed: a device that goes and comes while a look is under way is closed and opened anew, at the path that it has now", async () => {
  let present = [board("/dev/ttyACM0")];
  let hint: (path?: string) => void = () => undefined;
  const looks: (() => void)[] = [];
  const ports = createPorts({
    list: () => new Promise((resolve) => looks.push(() => resolve([...present]))),
    hints(onHint) {
      hint = onHint;
      return () => undefined;
    },
  });
  /** Answers what looks at the ports, until nobody looks any more. */
  const settle = async (): Promise<void> => {
    for (let n = 0; n < 12; n += 1) {
      for (const answer of looks.splice(0)) answer();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const told: string[] = [];
  const [opened, closed]: [string[], string[]] = [[], []];
  const transport = portTransport({ usb: { serial: "A" } }, ports, async (path) => {
    opened.push(path);
    return { write: () => undefined, room: () => 9999, close: async () => void closed.push(path) };
  });
  const hooks = { onLifecycle: () => undefined, onWelcome: () => undefined, onMessage: () => undefined };
  const link = new DeviceLink(transport, hooks, 3);
  link.start();
  ports.watch(({ kind, port }) => told.push(`${kind} ${port.path}`));
  await settle();
  expect([told, opened, closed]).toEqual([["added /dev/ttyACM0"], ["/dev/ttyACM0"], []]);
  // Pulled and plugged in again before the look is over; where the path is the same, both lists are too.
  for (const path of ["/dev/ttyACM0", "/dev/ttyACM1", "/dev/ttyACM0"]) {
    const before = present[0]?.path as string;
    const openings = opened.length;
    told.length = 0;
    hint();
    present = [];
    hint(before);
    present = [board(path)];
    hint(path);
    await settle();
    // Once more than it happened is harmless; a change that is left out is not.
    expect([told[0], told.at(-1), told.length % 2]).toEqual([`removed ${before}`, `added ${path}`, 0]);
    expect([opened.length > openings, opened.at(-1)]).toEqual([true, path]);
    expect(closed).toEqual(opened.slice(0, -1));
  }
  await link.stop();
  expect(closed).toEqual(opened);
});

test("labgrid: after a restart the held place's resource is back 7.2 s after all others, PiKVM Switch: a port is tried once a second: a leased board that was away takes its holder's command within 300 ms of its port's coming", async () => {
  const socket = createSocket(false);
  bay = await virtualCommands("off", { transport: (rack) => socket.transport(rack), plug: () => socket.plug() });
  const target = bay.targets[0] as string;
  const request = {
    ...{ targets: [target], holder: "ada", user: "ada", ttl_ms: 600_000 },
    ...{ priority: 0, hold: false, experiment: false },
  };
  const { signal } = new AbortController();
  const lease = await bay.state.leases.acquire(bay.caller("ada"), request, 0, signal);
  if ("status" in lease) throw new Error(lease.message);
  for (const away_ms of [1, 700, 9000]) {
    socket.unplug(false);
    await bay.time.run(away_ms);
    if (away_ms > 1000) bay.reopen();
    socket.plug();
    const from = bay.time.now();
    const state = bay.rail(target).switchOn ? "off" : "on";
    let result = "board_lost";
    while (result === "board_lost") {
      const ended = await bay.ended(bay.power(target, { state }, "ada", { lease: lease.id }));
      result = ended.status === "done" ? "done" : ended.code;
      if (result !== "done") await bay.time.run(1);
    }
    // Its rail has risen or fallen too, which takes a board some hundred milliseconds.
    expect([result, bay.time.now() - from <= 300 + 200]).toEqual(["done", true]);
  }
});

test("labgrid#819, labgrid#1387 a serial port that goes with the target's power ends the exporter: its console goes on when the port is there again, under whatever device", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mltb-peer-"));
  const file = join(folder, "console");
  let present = false;
  let hint: (path?: string) => void = () => undefined;
  const ports = createPorts({
    list: async () => (present ? [{ path: file }] : []),
    hints(onHint) {
      hint = onHint;
      return () => undefined;
    },
  });
  const hub = createHub();
  const lines: string[] = [];
  hub.on("console", (_target, line) => lines.push(line));
  const target = { target: "t1", channel: 1, nominal_v: 5 } as BayTarget;
  const source = consolePort({ serial: file, baud: 115_200 }, ports);
  const console = new TargetConsole(target, source, hub, folder);
  for (let boot = 1; boot <= 3; boot += 1) {
    const uart = createPtyCarrier(file);
    present = true;
    hint(file);
    await until(() => {
      // Nobody hears a line before the port is open.
      uart.write(`boot ${boot}\n`);
      return lines.includes(`boot ${boot}`);
    });
    uart.close();
    present = false;
    hint(file);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  await console.stop();
  rmSync(folder, { recursive: true });
});

test("USB Insight Hub: a second line within 50 ms overwrites the first: sixty requests that arrive in one piece are answered, each with its own words, in their order", async () => {
  let held: Uint8Array[] | undefined;
  bay = await virtualCommands("keep", {
    transport: (rack) => ({
      ...rack.transport,
      write: (bytes) => (held === undefined ? rack.transport.write(bytes) : void held.push(bytes)),
    }),
  });
  const { board: device, rack, time } = bay;
  held = [];
  const answers: string[] = [];
  const words = Array.from({ length: 60 }, (_, n) => `word ${n}`);
  for (const data of words) {
    void device.link.request("echo", { data }, 1500).then((outcome) => {
      answers.push(outcome.kind === "answer" ? outcome.body.data : outcome.kind);
    });
  }
  await time.run(1);
  expect(held.length).toBeGreaterThan(1);
  const piece = Buffer.concat(held);
  held = undefined;
  rack.transport.write(piece);
  await time.until(() => answers.length === words.length, 2000);
  expect(answers).toEqual(words);
});

test("ppk2-api-python#61 a reply that comes in two reads loses the calibration: read byte by byte it is the same to the last digit", async () => {
  /** Pieces in which the host gets what the board sends. */
  const pieces =
    (size: number) =>
    (rack: VirtualBoard["rack"]): ByteTransport => ({
      ...rack.transport,
      open: ({ onBytes, onClose }) =>
        rack.transport.open({
          onBytes: (chunk) => {
            for (let at = 0; at < chunk.length; at += size) onBytes(chunk.subarray(at, at + size));
          },
          onClose,
        }),
    });
  const record = {
    ...{ voltage_ppm: 1234, voltage_offset_v: 0.012, monitor_ppm: -321, monitor_offset_a: 0.0018 },
    ...{ fast_ppm: 777, fast_offset_a: -0.0021, drift_ppm_per_k: 40, at_c: 25 },
  };
  const read: unknown[] = [];
  for (const size of [100_000, 1]) {
    bay = await virtualCommands("keep", { transport: pieces(size) });
    const target = bay.targets[0] as string;
    bay.board.updating = false;
    expect(await bay.ended(bay.board.calibrate(bay.commands.find(target).channel, record))).toMatchObject({
      kind: "answer",
    });
    bay.rack.cutLink();
    bay.rack.restoreLink();
    const { link, calibrations } = bay.board;
    await bay.time.until(() => link.lifecycle === "ready", 3000);
    await bay.ended(bay.board.recall());
    read.push(calibrations.view(1));
    await bay.stop();
    bay = undefined;
  }
  expect(read[1]).toEqual(read[0]);
  expect(read[1]).toMatchObject({ source: "board", record });
});

test("PiKVM Switch: a heartbeat that can never fire: a link that nobody uses is heard from all the time, and a board that hangs is lost within a second though nobody asks it anything", async () => {
  bay = await virtualCommands();
  const { board: device, time } = bay;
  await time.run(3000);
  const before = device.link.counters.sent_bytes;
  const uptime = device.link.uptime_ms ?? 0;
  const states: string[] = [];
  time.hub.on("lifecycle", (_board, state) => states.push(state));
  await time.run(5000);
  expect(states).toEqual([]);
  expect(device.link.counters.sent_bytes).toBeGreaterThan(before);
  expect((device.link.uptime_ms ?? 0) - uptime).toBeGreaterThan(4000);
  expect(device.link.lifecycle).toBe("ready");
  time.standing.add(time.boards[0] as VirtualBoard);
  expect(await time.until(() => device.link.lifecycle === "lost", 2000)).toBeLessThanOrEqual(1000);
});

test("MLPerf Tiny runner: a reply that never comes is waited for without end: a board that hangs in a command has it answered unknown within a second", async () => {
  bay = await virtualCommands();
  const target = bay.targets[0] as string;
  const command = bay.power(target, { state: "on" });
  await bay.time.run(3);
  bay.time.standing.add(bay.time.boards[0] as VirtualBoard);
  const from = bay.time.now();
  expect(await bay.ended(command)).toMatchObject({ status: "unknown", code: "outcome_unknown" });
  expect(bay.time.now() - from).toBeLessThanOrEqual(1000);
});

test("PowerSensor3: any error of the port ends the process: a port that fails in the midst of a command, and cannot be opened at first, costs that command's answer and nothing else", async () => {
  let fail: ((reason: string) => void) | undefined;
  let refusals = 0;
  bay = await virtualCommands("keep", {
    transport: (rack) => ({
      ...rack.transport,
      async open({ onBytes, onClose }) {
        if (refusals > 0) {
          refusals -= 1;
          throw new Error("EIO: i/o error");
        }
        fail = onClose;
        await rack.transport.open({ onBytes, onClose });
      },
    }),
  });
  const { board: device, time } = bay;
  const target = bay.targets[0] as string;
  for (const after_ms of [0, 2, 8]) {
    refusals = 2;
    const state = bay.rail(target).switchOn ? "off" : "on";
    const command = bay.power(target, { state });
    await time.run(after_ms);
    fail?.("EIO: i/o error");
    expect(device.link.lifecycle).toBe("lost");
    // Told more than once, as drivers do.
    fail?.("EIO: i/o error");
    expect((await bay.ended(command)).status).toMatch(/unknown|failed/);
    await time.until(() => device.link.lifecycle === "ready", 3000);
    await time.run(300);
    expect(bay.commands.find(target).channel.power).toBe(bay.rail(target).switchOn ? "on" : "off");
    expect(await bay.ended(bay.power(target, { state }))).toMatchObject({ status: "done" });
  }
  expect(device.link.counters.open_failed).toBe(6);
});
