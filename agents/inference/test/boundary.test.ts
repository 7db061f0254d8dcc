import fc from "fast-check";
import { expect, test } from "vitest";
import { datatype, joinBytes, splitBytes } from "../src/datatypes.ts";
import { rawToValues, valuesToRaw } from "../src/oip/contents.ts";
import { parseJson, restRequest } from "../src/oip/rest-body.ts";
import { fromBfloat16, toBfloat16 } from "../src/runtimes/bfloat16.ts";
import { bytesOf, textOf } from "../src/runtimes/text.ts";

const runs = { numRuns: process.env["MLTB_LONG"] === "1" ? 100_000 : 2000, seed: 7 };

test("any bytes pass through a text and back; the text has no NUL, and plain text is itself", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const text = textOf(bytes);
      expect(text.includes("\0")).toBe(false);
      expect([...bytesOf(text)]).toEqual([...bytes]);
    }),
    runs,
  );
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (plain) => {
      const bytes = new TextEncoder().encode(plain);
      if (!plain.includes("\0") && !plain.startsWith("\ue000")) expect(textOf(bytes)).toBe(plain);
      expect([...bytesOf(textOf(bytes))]).toEqual([...bytes]);
    }),
    runs,
  );
});

test("different bytes never become the same text, the mark's own bytes among them", () => {
  const tricky = ["\ue000", "\ue000a", "\ue100", "\ue000\ue100"].map((text) => new TextEncoder().encode(text));
  const all = [...tricky, Uint8Array.of(0), Uint8Array.of(0xff), Uint8Array.of(0xee, 0x80), Uint8Array.of()];
  expect(new Set(all.map(textOf)).size).toBe(all.length);
  for (const bytes of all) expect([...bytesOf(textOf(bytes))]).toEqual([...bytes]);
});

test("text of a model that only looks written byte by byte stays text", () => {
  for (const text of ["\ue000\u0100", "\ue000\ue141", "\ue000\0"]) {
    expect(new TextDecoder().decode(bytesOf(text))).toBe(text);
  }
});

test("every bfloat16 but a NaN's payload is exact through float32", () => {
  const all = Uint16Array.from({ length: 65_536 }, (_, i) => i);
  const back = new Uint16Array(toBfloat16(fromBfloat16(new Uint8Array(all.buffer))).buffer);
  const nan = (bits: number): boolean => (bits & 0x7f80) === 0x7f80 && (bits & 0x7f) !== 0;
  for (const bits of all) {
    if (nan(bits)) expect(nan(back[bits] as number)).toBe(true);
    else expect(back[bits]).toBe(bits);
  }
});

test("raw BYTES: parts come back, lengths that do not fill the tensor are refused", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 9 }),
      fc.integer({ min: 1, max: 3 }),
      (parts, cut) => {
        const raw = joinBytes(parts);
        expect(splitBytes(raw)?.map((part) => [...part])).toEqual(parts.map((part) => [...part]));
        if (raw.length > 0) expect(splitBytes(raw.subarray(0, raw.length - cut))).not.toEqual(parts);
      },
    ),
    runs,
  );
});

test("values of every type come back from raw; values that it cannot hold are refused, never wrapped round", () => {
  const cases: [string, unknown[], unknown[]][] = [
    ["INT8", [-128, 127], [128, -129, 1.5, "x", null]],
    ["UINT8", [0, 255], [-1, 256]],
    ["INT16", [-32_768, 32_767], [32_768]],
    ["UINT32", [0, 4_294_967_295], [-1, 4_294_967_296]],
    ["INT64", [-(1n << 63n), (1n << 63n) - 1n], [1n << 63n]],
    ["UINT64", [0n, (1n << 64n) - 1n], [-1n]],
    ["BOOL", [true, false], [2, "yes"]],
    ["FP32", [1.5, Number.NEGATIVE_INFINITY], ["one", "", true]],
    ["FP64", [5e-324, Number.NaN], [{}]],
    ["BYTES", ["a", "ä", ""], [5]],
  ];
  for (const [name, good, bad] of cases) {
    const type = datatype(name);
    if (type === undefined) throw new Error(name);
    expect(rawToValues(valuesToRaw(good, type), type)).toEqual(good);
    for (const value of bad) expect(() => valuesToRaw([value], type), `${name} ${String(value)}`).toThrow(/is no/);
  }
  const half = datatype("FP16");
  if (half !== undefined) expect(() => valuesToRaw([1], half)).toThrow(/raw bytes only/);
});

test("JSON: 64-bit whole numbers stay exact", () => {
  const text = '{"datatype":"INT64","data":[9223372036854775807,-9223372036854775808,7,1.5]}';
  expect(parseJson(Buffer.from(text))).toMatchObject({ data: [(1n << 63n) - 1n, -(1n << 63n), 7, 1.5] });
});

test("data nested deeper than any tensor and values that have parts are refused, and are no error of the server", () => {
  const read = (data: string, type = "FP32") => {
    const input = `{"name":"x","datatype":"${type}","shape":[1],"data":${data}}`;
    return restRequest(Buffer.from(`{"inputs":[${input}]}`), undefined, "m", "").request.inputs[0]?.data;
  };
  const nested = (levels: number): string => `${"[".repeat(levels)}1${"]".repeat(levels)}`;
  expect(read(nested(64))).toMatchObject({ values: 1 });
  const kind = "invalid-argument";
  const message = "input 'x': data is nested more than 64 levels deep";
  for (const levels of [65, 100_000])
    expect(() => read(nested(levels))).toThrow(expect.objectContaining({ kind, message }));
  const object = `[${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}]`;
  expect(read(object, "BYTES")).toEqual({ values: 1, fault: "an object is no text" });
  expect(read('[{"toString":1,"valueOf":1}]', "INT8")).toEqual({ values: 1, fault: "an object is no INT8" });
  expect(read("[12345678901234567890]", 'BYTES","a":"INT64')).toMatchObject({
    fault: expect.stringMatching(/no text/),
  });
});
