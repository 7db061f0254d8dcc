import {
  decode,
  deframer,
  encode,
  encodedLimitStream,
  encodeFrame,
  Kind,
  type Message,
  messageNamed,
  nodeSeal,
} from "@mltb/protocol";
import { createFaultWire } from "@mltb/simulators";
import { expect, test } from "vitest";
import { Recording } from "../src/energy/recording.ts";

const ROWS = 100;
const CHANNELS = 8;
const PERIOD_US = 50;

test("PowerSensor3: after a lost byte samples of two moments are paired, ppk2-api-python#8, #17, #45 the stream goes out of step: 10^7 samples over a wire with faults in 1e-5 of the bytes: what a recording counts as lost are the rows of the blocks that the wire spoiled", () => {
  const wire = createFaultWire({ flip: 5e-6, drop: 3e-6, duplicate: 2e-6, split_bytes: 700 }, 9);
  const recording = new Recording(1);
  let good = 0;
  const frames = deframer(encodedLimitStream, nodeSeal, (frame) => {
    const block = decode("sample_block", frame.body) as Message<"sample_block">;
    recording.samples(block.first, block.tick_us, block.period_us, new Array<number>(block.rows).fill(0));
    good += 1;
  });
  const id = messageNamed("sample_block")?.id ?? 0;
  /** Whether each block came through, told by its bytes alone: those behind a lost delimiter did not. */
  const whole: boolean[] = [];
  let joined = false;
  const blocks = 12_500;
  for (let n = 0; n < blocks; n += 1) {
    const data = String.fromCharCode(
      ...Array.from({ length: ROWS * CHANNELS * 2 }, (_, at) => (at * 31 + n * 7) & 255),
    );
    const head = { stream: 1, channels: CHANNELS, rows: ROWS, period_us: PERIOD_US, lost: 0 };
    const first = n * ROWS;
    const body = encode("sample_block", { ...head, tick_us: (first + 1) * PERIOD_US, first, data });
    const sent = encodeFrame({ kind: Kind.stream, seq: 0, ack: 0, credit: 0, id, tag: 0, body }, nodeSeal);
    wire.send(sent, n);
    const pieces = wire.receive(n);
    for (const piece of pieces) frames.rx(piece);
    const came = pieces.join("");
    // A delimiter that came twice spoils nothing; one that did not joins the next block to this one.
    whole.push(!joined && came.endsWith("\0") && came.replace(/\0+$/, "\0") === sent);
    joined = !came.endsWith("\0");
  }
  const spoiled = whole.slice(whole.indexOf(true), whole.lastIndexOf(true)).filter((came) => !came).length;
  expect(spoiled).toBeGreaterThan(50);
  expect(good).toBe(whole.filter((came) => came).length);
  expect(recording.result().samples).toEqual({ received: good * ROWS, lost: spoiled * ROWS });
});
