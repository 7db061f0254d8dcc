import { bodyCheck, Outcome, PowerAction, Stream } from "@mltb/protocol";
import { afterEach, expect, test } from "vitest";
import { type SlowLine, slowLine } from "./slow-line.ts";
import { type VirtualBay, type VirtualBoard, virtualBay } from "./virtual.ts";

let bay: VirtualBay | undefined;
afterEach(() => bay?.stop());

test("jumpstarter#111, jumpstarter#118 under bulk data the keepalive fails: on a line that samples fill to the last byte the board stays there, commands are proved, and a hang is still seen within a second", async () => {
  const lines: SlowLine[] = [];
  const carrier = (): SlowLine["board"] => {
    lines.push(slowLine(115_200));
    return (lines.at(-1) as SlowLine).board;
  };
  bay = await virtualBay(1, (_rack, n) => (lines[n] as SlowLine).host, 2, "keep", carrier);
  const [{ board, rack }] = bay.boards as [VirtualBoard];
  const states: string[] = [];
  await bay.until(() => board.link.lifecycle === "ready", 3000);
  bay.hub.on("lifecycle", (_name, state) => states.push(state));
  let rows = 0;
  bay.hub.on("samples", (block) => {
    if (block.target === "r1-t1") rows += block.current_a.length;
  });
  lines[0]?.load();
  const from = bay.now();
  for (let n = 0; n < 20; n += 1) {
    // 20 kHz of eight channels is thirty times what the line carries.
    if (n % 4 === 0)
      void board.link.request("stream_open", { stream: Stream.samples, ttl_ms: 5000, period_us: 50 }, 3000);
    await bay.run(500);
    const action = n % 2 === 0 ? PowerAction.on : PowerAction.off;
    const body = { channel: 1, action, off_ms: 0, check: bodyCheck(1, action, 0) };
    let outcome = -1;
    void board.link.request("power_set", body, 3000).then((ended) => {
      outcome = ended.kind === "answer" ? ended.body.outcome : 99;
    });
    await bay.until(() => outcome >= 0, 1500);
    expect([outcome, rack.electronics.rails[0]?.switchOn]).toEqual([Outcome.done, action === PowerAction.on]);
  }
  expect(lines[0]?.load()).toBeGreaterThan(0.9);
  // What the line did not carry was counted, and it carried samples all the time.
  expect(rows).toBeGreaterThan((bay.now() - from) / 4);
  expect(board.measure.lost).toBeGreaterThan(0);
  expect(states).toEqual([]);
  bay.standing.add(bay.boards[0] as VirtualBoard);
  expect(await bay.until(() => board.link.lifecycle === "lost", 3000)).toBeLessThanOrEqual(1000);
});

test("labgrid#600, labgrid#1100 an exporter that was held up is dropped, and has to be started again: a supervisor that was held up for up to ten seconds has its board by itself, and nothing has moved", async () => {
  bay = await virtualBay(1);
  const [{ board, rack }] = bay.boards as [VirtualBoard];
  await bay.until(() => board.link.lifecycle === "ready", 1000);
  const set = async (channel: number, action: number): Promise<number> => {
    let outcome = -1;
    void board.link
      .request("power_set", { channel, action, off_ms: 0, check: bodyCheck(channel, action, 0) }, 3000)
      .then((ended) => {
        outcome = ended.kind === "answer" ? ended.body.outcome : 99;
      });
    await (bay as VirtualBay).until(() => outcome >= 0, 4000);
    return outcome;
  };
  expect(await set(1, PowerAction.on)).toBe(Outcome.done);
  const states: string[] = [];
  bay.hub.on("lifecycle", (_name, state) => states.push(state));
  let held_ms = 0;
  const clock = performance.now.bind(performance);
  performance.now = () => clock() + held_ms;
  for (const ms of [200, 900, 3000, 10_000]) {
    states.length = 0;
    // This process stands still, and the world and its clock do not.
    rack.advance(ms);
    held_ms += ms;
    // A board whose host was silent for longer than two seconds wants a new session.
    if (ms > 1000) await bay.until(() => states.includes("ready"), 1000);
    await bay.until(() => board.channels[0]?.power === "on", 500);
    expect(rack.electronics.rails.map(({ switchOn }) => switchOn).slice(0, 2)).toEqual([true, false]);
    expect(await set(2, PowerAction.on)).toBe(Outcome.done);
    expect(await set(2, PowerAction.off)).toBe(Outcome.done);
    if (ms < 1000) expect(states).toEqual([]);
  }
});
