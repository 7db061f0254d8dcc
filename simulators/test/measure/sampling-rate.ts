import { monitoringConverter } from "@mltb/hardware";
import { bodyCheck, type Message, PowerAction, Stream } from "@mltb/protocol";
import { openBench, type Rung } from "../bench.ts";
import { luaBoard, rp2040Image } from "../rungs.ts";

const CHANNELS = 8;
/** The converter's own period; the sampler gives whole multiples of it. */
const PERIOD_US = 1e6 / monitoringConverter.rate_hz;
/** The search ends here: 1 kHz. */
const SLOWEST_US = 1000;
/** A rate counts as sustained when it loses nothing for this long; one that is too high fills ring and link earlier. */
const SUSTAINED_MS = 2000;

/** What carries samples from a board to the host. `line_bytes_s`: the most bytes a second that the line has. */
interface SamplingCarrier {
  name: string;
  line_bytes_s: number | undefined;
  line: string;
  image: boolean;
  open(): Promise<Rung>;
}

export const samplingCarriers: SamplingCarrier[] = [
  {
    name: "RP2040 image, UART",
    line_bytes_s: 92_160,
    line: "921,600 baud",
    image: true,
    open: () => rp2040Image("uart"),
  },
  {
    // USB 2.0, 5.8.4: 19 bulk packets of 64 bytes in a frame of 1 ms.
    name: "RP2040 image, USB serial",
    line_bytes_s: 1_216_000,
    line: "full-speed bulk",
    image: true,
    open: () => rp2040Image("cdc"),
  },
  {
    name: "RP2040 image, HID",
    line_bytes_s: 64_000,
    line: "64 bytes a ms",
    image: true,
    open: () => rp2040Image("hid"),
  },
  { name: "Lua board, memory", line_bytes_s: undefined, line: "no line", image: false, open: () => luaBoard() },
];

interface Sustained {
  rate_hz: number;
  channels: number;
  /** Bytes of samples a second. */
  payload_bytes_s: number;
  /** Share of samples among all bytes that the host received, padding of reports included. */
  payload_share: number;
  /** The next higher rate of the sampler, which lost rows; undefined when there is none. */
  lossy_hz: number | undefined;
}

/** Streams at a period; the rows and bytes that came, or undefined at the first row that is missing. */
async function stream(rung: Rung, period_us: number): Promise<{ rows: number; bytes: number } | undefined> {
  const bench = await openBench(rung);
  try {
    for (let channel = 1; channel <= CHANNELS; channel += 1) {
      const action = PowerAction.on;
      const check = bodyCheck(channel, action, 0);
      await bench.request("power_set", { channel, action, off_ms: 0, check });
    }
    const ttl_ms = 60_000;
    const opened = await bench.request("stream_open", { stream: Stream.samples, ttl_ms, period_us });
    if (opened.kind !== "answer") throw new Error(`stream_open: ${opened.kind}`);
    bench.messages.length = 0;
    const before = bench.session.port.counters.rx_bytes;
    let next = 0;
    let rows = 0;
    for (let ms = 0; ms < SUSTAINED_MS; ms += 10) {
      await bench.run(10);
      for (const { name, body } of bench.messages.splice(0)) {
        if (name !== "sample_block") continue;
        const block = body as unknown as Message<"sample_block">;
        if (block.first !== next || block.lost > 0) return undefined;
        next = block.first + block.rows;
        rows += block.rows;
      }
    }
    // A stream that falls behind without a gap so far has its rows in ring and link: a quarter of a second of them.
    if (rows * period_us < (SUSTAINED_MS - 250) * 1000) return undefined;
    return { rows, bytes: bench.session.port.counters.rx_bytes - before };
  } finally {
    await bench.stop();
  }
}

/** The highest rate of the sampler at which a carrier loses no row, all channels on; undefined when even 1 kHz does. */
export async function highestRate(carrier: SamplingCarrier): Promise<Sustained | undefined> {
  let lossy_hz: number | undefined;
  for (let period_us = PERIOD_US; period_us <= SLOWEST_US; period_us += PERIOD_US) {
    const payload_bytes_s = (1e6 / period_us) * CHANNELS * 2;
    const found =
      payload_bytes_s < (carrier.line_bytes_s ?? Infinity) && (await stream(await carrier.open(), period_us));
    if (!found) {
      lossy_hz = 1e6 / period_us;
      continue;
    }
    const payload_share = (found.rows * CHANNELS * 2) / found.bytes;
    return { rate_hz: 1e6 / period_us, channels: CHANNELS, payload_bytes_s, payload_share, lossy_hz };
  }
  return undefined;
}
