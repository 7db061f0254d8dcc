import {
  bodyCheck,
  createHostSession,
  decode,
  deframer,
  encode,
  encodedLimitStream,
  encodeFrame,
  Kind,
  type Message,
  messageNamed,
  nodeSeal,
  PowerAction,
} from "@mltb/protocol";
import { expect, test } from "vitest";
import { createFaultWire } from "../src/index.ts";
import { luaBoard } from "./rungs.ts";

const ROWS = 100;
const CHANNELS = 8;
const SAMPLES = 10_000_000;

/** The sample of a row and channel: any displaced or damaged one differs. */
function sample(row: number, channel: number): number {
  return (Math.imul(row * CHANNELS + channel + 1, 2654435761) >> 16) & 0xffff;
}

test(`MLPerf Tiny runner: a damaged line becomes a sample: ${SAMPLES} samples over a wire with faults in 1e-5 of the bytes: none wrong, resync within two frames (what a recording counts as lost: host/supervisor/test/recording-fault-wire.test.ts)`, () => {
  const wire = createFaultWire({ flip: 5e-6, drop: 3e-6, duplicate: 2e-6, split_bytes: 700 }, 5);
  const blocks = SAMPLES / ROWS / CHANNELS;
  const id = messageNamed("sample_block")?.id ?? 0;
  let next = 0;
  let wrong = 0;
  let received = 0;
  let worst = 0;
  const frames = deframer(encodedLimitStream, nodeSeal, (frame) => {
    const block = decode("sample_block", frame.body) as Message<"sample_block">;
    if (block.first > next) {
      worst = Math.max(worst, (block.first - next) / ROWS);
    }
    next = block.first + block.rows;
    const data = Buffer.from(block.data, "latin1");
    for (let at = 0; at < ROWS * CHANNELS; at += 1) {
      if (data.readUInt16LE(2 * at) !== sample(block.first + Math.floor(at / CHANNELS), at % CHANNELS)) wrong += 1;
    }
    received += ROWS;
  });
  const data = Buffer.alloc(ROWS * CHANNELS * 2);
  for (let n = 0; n < blocks; n += 1) {
    for (let at = 0; at < ROWS * CHANNELS; at += 1) {
      data.writeUInt16LE(sample(n * ROWS + Math.floor(at / CHANNELS), at % CHANNELS), 2 * at);
    }
    const head = { stream: 1, channels: CHANNELS, rows: ROWS, period_us: 50, tick_us: n, lost: 0 };
    const body = encode("sample_block", { ...head, first: n * ROWS, data: data.toString("latin1") });
    wire.send(encodeFrame({ kind: Kind.stream, seq: 0, ack: 0, credit: 0, id, tag: 0, body }, nodeSeal), n);
    for (const piece of wire.receive(n)) frames.rx(piece);
  }
  const { flipped, dropped, duplicated, sent } = wire.counters;
  const faults = flipped + dropped + duplicated;
  expect(faults / sent).toBeGreaterThan(0.8e-5);
  expect(faults).toBeGreaterThan(150);
  expect(wrong).toBe(0);
  expect(received).toBeLessThan(blocks * ROWS);
  expect(worst).toBeLessThanOrEqual(2);
  expect(frames.counters.good).toBe(received / ROWS);
});

test("commands over a wire at 115,200 baud with faults in a hundredth of the bytes: each runs once, in order, with the right answer", async () => {
  const rung = await luaBoard();
  const faults = { flip: 0.005, drop: 0.003, duplicate: 0.002, split_bytes: 9, delay_us: 300, baud: 115_200 };
  const down = createFaultWire(faults, 1);
  const up = createFaultWire(faults, 2);
  let now = 0;
  const host = createHostSession(
    { write: (bytes) => down.send(bytes, now * 1000), room: () => 9999 },
    nodeSeal,
    "faulty",
    3,
    { onWelcome: () => undefined, onMessage: () => undefined, onLost: () => undefined, onPong: () => undefined },
  );
  host.connect(0);
  const run = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 1) {
      now += 1;
      for (const piece of down.receive(now * 1000)) rung.write(Buffer.from(piece, "latin1"));
      rung.advance(1);
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
      const sent = rung.take();
      if (sent !== "") up.send(sent, now * 1000);
      for (const piece of up.receive(now * 1000)) host.rx(piece, now);
      host.tick(now);
    }
  };
  await run(1000);
  const outcomes: string[] = [];
  for (let n = 0; n < 40; n += 1) {
    const action = n % 2 === 0 ? PowerAction.on : PowerAction.off;
    let outcome = "";
    while (!host.port.open) await run(50);
    host.request("power_set", { channel: 1, action, off_ms: 0, check: bodyCheck(1, action, 0) }, 6000, now, (ended) => {
      outcome = ended.kind;
    });
    while (outcome === "") await run(10);
    outcomes.push(outcome);
    // An answer is never a lie: what it says is what the physics did.
    if (outcome === "answer") expect(rung.electronics.rails[0]?.switchOn).toBe(action === PowerAction.on);
  }
  expect(outcomes.filter((outcome) => outcome === "answer").length).toBeGreaterThan(30);
  expect(down.counters.flipped + up.counters.flipped).toBeGreaterThan(20);
  await rung.stop();
});

test("a cut wire loses what is on it, and carries again when it is restored", () => {
  const wire = createFaultWire({ delay_us: 100 }, 1);
  wire.send("before", 0);
  wire.cut = true;
  wire.send("during", 10);
  expect(wire.receive(200)).toEqual([]);
  wire.cut = false;
  wire.send("after", 300);
  expect(wire.receive(400).join("")).toBe("after");
  expect(wire.counters.lost_in_cut).toBe(12);
});
