import { buildCodecWasm, buildLuaWasm, missingWasmPackages } from "@mltb/firmware/images";
import { deframer, encodedLimitControl, encodeFrame, type Frame, nodeSeal } from "@mltb/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { random } from "../src/index.ts";
import { cCodec } from "../src/runtime/c-codec.ts";
import { expectVariety, parityTests, randomFrame, runs, type Vector, vectors } from "./codec-parity.ts";

const missing = missingWasmPackages();

describe.skipIf(missing.length > 0)("codec of the firmware's own builds", () => {
  parityTests("Lua with 64-bit numbers", async () => ({ wasm: await buildLuaWasm("i64"), numbers: "i64" }));
  parityTests("Lua with 32-bit numbers", async () => ({ wasm: await buildLuaWasm("i32"), numbers: "i32" }));

  for (const numbers of ["i64", "i32"] as const) {
    parityTests(`bodies in C with ${numbers.slice(1)}-bit numbers`, async () => ({
      wasm: await buildLuaWasm(numbers),
      numbers,
      bodiesInC: true,
    }));
  }

  test(`${runs} seeded streams of good, damaged and oversize blocks in any chunking: C and TypeScript take the same frames and count the same faults`, async () => {
    const wasm = await buildCodecWasm();
    const seen = { good: 0, faults: 0 };
    const garbage = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    const frame = fc
      .tuple(fc.nat(vectors.length - 1), fc.nat(), fc.oneof(fc.constant(0), fc.nat(255)))
      .map(([n, at, flip]) => {
        const bytes = Buffer.from((vectors[n] as Vector).wire, "hex");
        const place = at % bytes.length;
        bytes[place] = (bytes[place] as number) ^ flip;
        return bytes;
      });
    // Right in every byte but against a rule of the header: foreign major, unknown kind, wrong length, too long for its kind.
    const foreign = fc
      .tuple(fc.nat(255), fc.nat(255), fc.nat(243), fc.integer({ min: -1, max: 1 }))
      .map(([first, fill, length, off]) => {
        const body = String.fromCharCode(fill).repeat(length);
        const header = [first, 1, 2, 3, 4, 5, (length + off) & 255, 0];
        return Buffer.from(nodeSeal.seal(String.fromCharCode(...header), body), "latin1");
      });
    fc.assert(
      fc.property(
        fc.array(fc.oneof(garbage, frame, foreign), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1 }),
        (parts, cuts) => {
          const bytes = Buffer.concat(parts).toString("latin1");
          const c = cCodec(wasm).deframer();
          const frames: Frame[] = [];
          const reader = deframer(encodedLimitControl, nodeSeal, (each) => frames.push(each));
          const plain: string[] = [];
          for (let at = 0, i = 0; at < bytes.length; i += 1) {
            const chunk = bytes.slice(at, at + (cuts[i % cuts.length] as number));
            reader.rx(chunk);
            plain.push(...c.rx(chunk));
            at += chunk.length;
          }
          expect(plain.map((each) => each.slice(8))).toEqual(frames.map((each) => each.body));
          expect(plain.map((each) => each.charCodeAt(4))).toEqual(frames.map((each) => each.id));
          expect(c.counters()).toEqual(reader.counters);
          seen.good += reader.counters.good;
          seen.faults += reader.counters.crc + reader.counters.kind + reader.counters.major + reader.counters.length;
        },
      ),
      { seed: 23, numRuns: runs },
    );
    expect(Math.min(seen.good, seen.faults)).toBeGreaterThan(runs / 10);
  });

  test(`${runs} seeded messages: C opens and seals them to the same bytes as TypeScript`, async () => {
    const c = cCodec(await buildCodecWasm());
    const source = random(32);
    const seen = { names: new Set<string>(), long: 0, longest: 0 };
    for (let run = 0; run < runs; run += 1) {
      const { message, frame } = randomFrame(source);
      const wire = encodeFrame(frame, nodeSeal);
      const plain = nodeSeal.unseal(wire.slice(0, -1)) as string;
      expect(c.unseal(wire.slice(0, -1))).toBe(plain);
      const cut = Math.floor(source.uniform() * (frame.body.length + 1));
      expect(c.seal(plain.slice(0, 8), frame.body.slice(0, cut), frame.body.slice(cut))).toBe(wire);
      seen.names.add(message.name);
      if (wire.length > 256) seen.long += 1;
      seen.longest = Math.max(seen.longest, frame.body.length);
    }
    expectVariety(runs, seen);
  });

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
