import { ampsPerCode, monitoringBoard } from "@mltb/hardware";
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
import { Recording } from "@mltb/supervisor/energy";
import { type Benchmark, perCpuSecond, spread } from "./figure.ts";

const ROWS = 100;
const CHANNELS = 8;
const BLOCKS = 200;
const PERIOD_US = 50;
const RUNS = 7;

/** Samples per second of one core from the bytes of a port to an energy with its budget: frames, amperes, windows. */
export const energyPath: Benchmark = {
  name: "energy-path",
  about: "samples/s from the wire to the energy of a window with its budget, eight rails, by processor time",
  async run() {
    const id = messageNamed("sample_block")?.id ?? 0;
    const data = Buffer.alloc(ROWS * CHANNELS * 2, 7).toString("latin1");
    const wire = Array.from({ length: BLOCKS }, (_, n) => {
      const first = n * ROWS;
      const head = {
        stream: 1,
        channels: CHANNELS,
        rows: ROWS,
        period_us: PERIOD_US,
        tick_us: (first + 1) * PERIOD_US,
        lost: 0,
      };
      const body = encode("sample_block", { ...head, first, data });
      return encodeFrame({ kind: Kind.stream, seq: 0, ack: 0, credit: 4, id, tag: 0, body }, nodeSeal);
    });
    const scales = monitoringBoard.channels.map((channel) => ampsPerCode(monitoringBoard, channel));
    const end_us = BLOCKS * ROWS * PERIOD_US;
    const rates: number[] = [];
    for (let run = 0; run <= RUNS; run += 1) {
      const rate = perCpuSecond(BLOCKS * ROWS * CHANNELS, () => {
        const rails = scales.map((scale) => new Recording(scale));
        const reader = deframer(encodedLimitStream, nodeSeal, (frame) => {
          const block = decode("sample_block", frame.body) as Message<"sample_block">;
          const bytes = Buffer.from(block.data, "latin1");
          for (const [n, rail] of rails.entries()) {
            const scale = scales[n] as number;
            const amps = new Array<number>(block.rows);
            for (let row = 0; row < block.rows; row += 1)
              amps[row] = bytes.readInt16LE((row * CHANNELS + n) * 2) * scale;
            rail.samples(block.first, block.tick_us, block.period_us, amps);
          }
        });
        for (const bytes of wire) reader.rx(bytes);
        for (const rail of rails) {
          for (let at = 0; at <= end_us; at += 10_000) rail.voltage(at, 5);
          rail.marker(1, end_us * 0.1);
          rail.marker(0, end_us * 0.9);
          if (rail.windows()[0]?.refused !== null) throw new Error("the window was refused");
        }
      });
      // The first run warms the compiler up.
      if (run > 0) rates.push(rate);
    }
    const quantity = "wire to energy with budget, 20 kHz x 8 rails";
    return [{ benchmark: "energy-path", quantity, ...spread(rates), unit: "samples/s" }];
  },
};
