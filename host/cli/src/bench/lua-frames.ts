import { buildBundle } from "@mltb/firmware";
import { buildLuaWasm, missingWasmPackages } from "@mltb/firmware/images";
import {
  crc16,
  createSeal,
  decodeBody,
  decodeFrame,
  encode,
  encodeBody,
  encodeFrame,
  Kind,
  messageById,
  messageNamed,
  nodeSeal,
} from "@mltb/protocol";
import { createLuaBoard, type LuaBoardOptions } from "@mltb/simulators";
import { type Benchmark, type Figure, spread, unmeasured } from "./figure.ts";

const COUNT = 2000;
const NODE_COUNT = 50_000;
const RUNS = 5;

interface Vm {
  name: string;
  lua?: LuaBoardOptions["lua"];
}

const own = [
  { name: "own WebAssembly, 64 bit", numbers: "i64" },
  { name: "own WebAssembly, 32 bit", numbers: "i32" },
] as const;

/** What is done to a frame, over and over. */
const directions = ["decode", "encode"] as const;

/** Rate of `once`, repeated `count` times a run, and the rows that it fills. */
function measure(
  name: string,
  direction: (typeof directions)[number],
  count: number,
  work: () => void,
  counted?: () => number,
): Figure {
  const rates: number[] = [];
  let instructions = 0;
  for (let run = 0; run <= RUNS; run += 1) {
    const before = counted?.() ?? 0;
    const started = performance.now();
    work();
    if (run > 0) rates.push((count / (performance.now() - started)) * 1000);
    instructions = ((counted?.() ?? 0) - before) / count;
  }
  return {
    benchmark: "lua-frames",
    quantity: `${direction}, ${name}`,
    ...spread(rates),
    unit: "frames/s",
    ...(counted === undefined ? {} : { count: `${Math.round(instructions)} Lua instructions each` }),
  };
}

/** The same in Node, with the seal that boards without C have. */
function inNode(wire: string): Figure[] {
  const seal = createSeal(crc16);
  const block = wire.slice(0, -1);
  const frame = decodeFrame(block, seal);
  if (typeof frame === "string") throw new Error(frame);
  const message = messageById(frame.id);
  const fields = message === undefined ? undefined : decodeBody(message, frame.body);
  if (message === undefined || fields === undefined) throw new Error("no such message");
  const work = {
    decode() {
      for (let n = 0; n < NODE_COUNT; n += 1) {
        const read = decodeFrame(block, seal);
        if (typeof read === "string" || decodeBody(message, read.body) === undefined) throw new Error("not decoded");
      }
    },
    encode() {
      let written = "";
      for (let n = 0; n < NODE_COUNT; n += 1) {
        written = encodeFrame({ ...frame, body: encodeBody(message, fields) }, seal);
      }
      if (written !== wire) throw new Error("Node wrote other bytes than it was given");
    },
  };
  return directions.map((direction) => measure("Node", direction, NODE_COUNT, work[direction]));
}

/** The codec bundle takes a frame apart into its fields, and makes it of them again, as often as it is told. */
async function inLua(source: string, { name, lua }: Vm, wire: string): Promise<Figure[]> {
  let sent = "";
  const hal = {
    link_write(bytes: string) {
      sent = bytes;
    },
    field: () => undefined,
  };
  const board = await createLuaBoard({ bundle: source, hal, lua });
  // The first frame is decoded and encoded; a tick then does one of the two with it `COUNT` times.
  board.rx(wire.slice(0, -1), 0);
  if (sent !== wire) throw new Error(`${name} wrote other bytes than it was given`);
  const figures = directions.map((direction) => {
    const times = direction === "decode" ? COUNT : -COUNT;
    return measure(name, direction, COUNT, () => board.tick(times), board.instructions);
  });
  board.close();
  return figures;
}

/** CRC and COBS in TypeScript, as on a board without C. */
export const luaFrames: Benchmark = {
  name: "lua-frames",
  about: "64-byte echoes decoded, and encoded, in Node and in each Lua, one core",
  async run() {
    const { source } = await buildBundle("codec");
    const body = encode("echo", { data: String.fromCharCode(...Array.from({ length: 64 }, (_, n) => (n * 37) & 255)) });
    const id = messageNamed("echo")?.id ?? 0;
    const wire = encodeFrame({ kind: Kind.request, seq: 1, ack: 2, credit: 4, id, tag: 3, body }, nodeSeal);
    const figures: Figure[] = inNode(wire);
    const missing = missingWasmPackages();
    const vms: Vm[] = [{ name: "wasmoon, 64 bit" }];
    for (const { name, numbers } of own) {
      if (missing.length === 0) vms.push({ name, lua: { wasm: await buildLuaWasm(numbers), numbers } });
    }
    for (const vm of vms) figures.push(...(await inLua(source, vm, wire)));
    if (missing.length > 0) {
      for (const { name } of own) {
        for (const direction of directions) {
          figures.push(unmeasured("lua-frames", `${direction}, ${name}`, "frames/s", missing));
        }
      }
    }
    return figures;
  },
};
