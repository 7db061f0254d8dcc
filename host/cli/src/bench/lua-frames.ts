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

/** The same in Node, with the seal that boards without C have. */
function inNode(wire: string): Figure {
  const seal = createSeal(crc16);
  const block = wire.slice(0, -1);
  const rates: number[] = [];
  for (let run = 0; run <= RUNS; run += 1) {
    let written = "";
    const started = performance.now();
    for (let n = 0; n < NODE_COUNT; n += 1) {
      const frame = decodeFrame(block, seal);
      if (typeof frame === "string") throw new Error(frame);
      const message = messageById(frame.id);
      const body = message === undefined ? undefined : decodeBody(message, frame.body);
      if (message === undefined || body === undefined) throw new Error("no such message");
      written = encodeFrame({ ...frame, body: encodeBody(message, body) }, seal);
    }
    if (written !== wire) throw new Error("Node wrote other bytes than it was given");
    if (run > 0) rates.push((NODE_COUNT / (performance.now() - started)) * 1000);
  }
  return { benchmark: "lua-frames", quantity: "decode and encode, Node", ...spread(rates), unit: "frames/s" };
}

/** The codec bundle decodes a frame, names its fields and encodes it again; CRC and COBS in TypeScript, as on a board without C. */
export const luaFrames: Benchmark = {
  name: "lua-frames",
  about: "64-byte echoes decoded and encoded again in Node and in each Lua, one core",
  async run() {
    const { source } = await buildBundle("codec");
    const body = encode("echo", { data: String.fromCharCode(...Array.from({ length: 64 }, (_, n) => (n * 37) & 255)) });
    const id = messageNamed("echo")?.id ?? 0;
    const wire = encodeFrame({ kind: Kind.request, seq: 1, ack: 2, credit: 4, id, tag: 3, body }, nodeSeal);
    const figures: Figure[] = [inNode(wire)];
    const missing = missingWasmPackages();
    const vms: Vm[] = [{ name: "wasmoon, 64 bit" }];
    for (const { name, numbers } of own) {
      if (missing.length === 0) vms.push({ name, lua: { wasm: await buildLuaWasm(numbers), numbers } });
    }
    for (const { name, lua } of vms) {
      let sent = "";
      const hal = {
        link_write(bytes: string) {
          sent = bytes;
        },
        field: () => undefined,
      };
      const board = await createLuaBoard({ bundle: source, hal, lua });
      const rates: number[] = [];
      for (let run = 0; run <= RUNS; run += 1) {
        const before = board.instructions();
        const started = performance.now();
        for (let n = 0; n < COUNT; n += 1) board.rx(wire.slice(0, -1), n);
        if (run > 0) rates.push((COUNT / (performance.now() - started)) * 1000);
        if (sent !== wire) throw new Error(`${name} wrote other bytes than it was given`);
        if (run === RUNS) {
          const count = `${Math.round((board.instructions() - before) / COUNT)} Lua instructions each`;
          figures.push({
            benchmark: "lua-frames",
            quantity: `decode and encode, ${name}`,
            ...spread(rates),
            unit: "frames/s",
            count,
          });
        }
      }
      board.close();
    }
    if (missing.length > 0) {
      for (const { name } of own) {
        figures.push(unmeasured("lua-frames", `decode and encode, ${name}`, "frames/s", missing));
      }
    }
    return figures;
  },
};
