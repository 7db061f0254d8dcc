import { buildCodecWasm, buildLuaWasm, missingWasmPackages } from "@mltb/firmware/images";
import { nodeSeal } from "@mltb/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cCodec } from "./c-codec.ts";
import { parityTests, runs, vectors } from "./codec-parity.ts";

const missing = missingWasmPackages();

describe.skipIf(missing.length > 0)("codec of the firmware's own builds", () => {
  parityTests("Lua with 64-bit numbers", async () => ({ wasm: await buildLuaWasm("i64"), numbers: "i64" }));
  parityTests("Lua with 32-bit numbers", async () => ({ wasm: await buildLuaWasm("i32"), numbers: "i32" }));

  test("golden frames: C opens and seals them to the same bytes as TypeScript", async () => {
    const c = cCodec(await buildCodecWasm());
    for (const vector of vectors) {
      const block = Buffer.from(vector.wire, "hex").toString("latin1").slice(0, -1);
      const plain = nodeSeal.unseal(block);
      expect(c.unseal(block)).toBe(plain);
      if (typeof plain === "string") expect(c.seal(plain.slice(0, 8), plain.slice(8), "")).toBe(`${block}\0`);
    }
  });

  test(`${runs} seeded frames, cut anywhere between header, body and bulk: C and TypeScript write the same bytes`, async () => {
    const c = cCodec(await buildCodecWasm());
    const part = fc.array(fc.oneof(fc.constant(0), fc.nat(255)), { maxLength: 900 });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), part, part, (header, body, bulk) => {
        const [h, b, u] = [header, body, bulk].map((bytes) => Buffer.from(bytes).toString("latin1")) as [
          string,
          string,
          string,
        ];
        const wire = nodeSeal.seal(h, b + u);
        expect(c.seal(h, b, u)).toBe(wire);
        expect(c.unseal(wire.slice(0, -1))).toBe(h + b + u);
      }),
      { seed: 21, numRuns: runs },
    );
  });

  test(`${runs} seeded damaged or random blocks: C and TypeScript name the same fault`, async () => {
    const c = cCodec(await buildCodecWasm());
    const wires = vectors.map((vector) => Buffer.from(vector.wire, "hex").subarray(0, -1));
    const block = fc.oneof(
      // Between two delimiters there is no zero.
      fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.tuple(fc.nat(wires.length - 1), fc.nat(), fc.integer({ min: 1, max: 255 })).map(([n, at, value]) => {
        const bytes = Buffer.from(wires[n] as Buffer);
        bytes[at % bytes.length] = value;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(block, (bytes) => {
        const text = bytes.toString("latin1");
        expect(c.unseal(text)).toBe(nodeSeal.unseal(text));
      }),
      { seed: 22, numRuns: runs },
    );
  });
});
