import { buildBundle } from "@mltb/firmware";
import { buildLuaWasm, missingWasmPackages } from "@mltb/firmware/images";
import { encode, encodeFrame, Kind, messageNamed, nodeSeal } from "@mltb/protocol";
import { createLuaBoard, type LuaBoardOptions } from "@mltb/simulators";
import { type Benchmark, type Figure, spread } from "./figure.ts";

const COUNT = 2000;
const RUNS = 5;

interface Vm {
  name: string;
  lua?: LuaBoardOptions["lua"];
}

/** Lua builds that this machine can run. */
async function vms(): Promise<Vm[]> {
  const list: Vm[] = [{ name: "wasmoon, 64 bit" }];
  if (missingWasmPackages().length > 0) return list;
  for (const numbers of ["i64", "i32"] as const) {
    list.push({
      name: `own WebAssembly, ${numbers === "i64" ? 64 : 32} bit`,
      lua: { wasm: await buildLuaWasm(numbers), numbers },
    });
  }
  return list;
}

/** The codec bundle decodes a frame, names its fields and encodes it again; CRC and COBS in TypeScript, as on a board without C. */
export const luaFrames: Benchmark = {
  name: "lua-frames",
  about: "64-byte echoes decoded and encoded again in each Lua, one core",
  async run() {
    const { source } = await buildBundle("codec");
    const body = encode("echo", { data: String.fromCharCode(...Array.from({ length: 64 }, (_, n) => (n * 37) & 255)) });
    const id = messageNamed("echo")?.id ?? 0;
    const wire = encodeFrame({ kind: Kind.request, seq: 1, ack: 2, credit: 4, id, tag: 3, body }, nodeSeal);
    const figures: Figure[] = [];
    for (const { name, lua } of await vms()) {
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
    return figures;
  },
};
