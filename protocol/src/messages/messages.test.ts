import fc from "fast-check";
import { expect, test } from "vitest";
import { allMessages, type Body, bodyCheck, CONTROL_BODY_BYTES, decodeBody, encodeBody } from "../index.ts";
import { coreMessages } from "./core.ts";
import { describeMessages } from "./describe.ts";
import { lineMessages } from "./lines.ts";
import { measureMessages } from "./measure.ts";
import { panelMessages } from "./panel.ts";
import { powerMessages } from "./power.ts";
import { protectionMessages } from "./protection.ts";
import { rackMessages } from "./rack.ts";
import { settingsMessages } from "./settings.ts";
import { transferMessages } from "./transfer.ts";

const blocks: [Record<string, string>, number, number][] = [
  [coreMessages, 0x00, 0x1f],
  [describeMessages, 0x10, 0x11],
  [powerMessages, 0x20, 0x27],
  [measureMessages, 0x28, 0x2f],
  [panelMessages, 0x30, 0x37],
  [protectionMessages, 0x38, 0x3d],
  [lineMessages, 0x3e, 0x3f],
  [transferMessages, 0x40, 0x53],
  [rackMessages, 0x4d, 0x4f],
  [settingsMessages, 0x54, 0x5f],
];

test("every line is well formed, its id unique and inside its block, its answer in the table", () => {
  const line =
    /^0x[0-9a-f]{2} (control|ack|request:[a-z_]+|response|event|state|stream) (host|board|both)( [a-z][a-z0-9_]*:(u8|u16|u32|i16|i32|text|rest))* -- [A-Z].*\.$/;
  const ids = new Set<number>();
  for (const [table, low, high] of blocks) {
    for (const [name, text] of Object.entries(table)) {
      expect(text, name).toMatch(line);
      const id = Number(text.slice(0, 4));
      expect(id).toBeGreaterThanOrEqual(low);
      expect(id).toBeLessThanOrEqual(high);
      expect(ids.has(id), name).toBe(false);
      ids.add(id);
    }
  }
  const names = allMessages().map((message) => message.name);
  expect(ids.size).toBe(names.length);
  for (const message of allMessages()) if (message.kind === "request") expect(names).toContain(message.answer);
});

const field: Record<string, fc.Arbitrary<number | string>> = {
  u8: fc.nat(255),
  u16: fc.nat(65535),
  u32: fc.nat(4294967295),
  i16: fc.integer({ min: -32768, max: 32767 }),
  i32: fc.integer({ min: -2147483648, max: 2147483647 }),
  text: fc.string({ maxLength: 40, unit: "binary-ascii" }),
  rest: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
};

for (const message of allMessages()) {
  test(`${message.name}: encode and decode are inverse, cut bytes are undefined or a shorter body, surplus is ignored`, () => {
    const fields = Object.fromEntries(
      message.names.map((name, i) => [name, field[message.kinds[i] as string] as fc.Arbitrary<number | string>]),
    );
    fc.assert(
      fc.property(fc.record(fields), fc.nat(), (body, cut) => {
        const bytes = encodeBody(message, body as Body);
        expect(decodeBody(message, bytes)).toEqual(body);
        if (!message.kinds.includes("rest")) expect(decodeBody(message, `${bytes}surplus`)).toEqual(body);
        const shorter = decodeBody(message, bytes.slice(0, cut % (bytes.length + 1)));
        if (shorter !== undefined) expect(Object.keys(shorter)).toEqual(message.names);
      }),
      { seed: 7, numRuns: 100 },
    );
  });
}

test("a fixed-size body of a control message fits its frame", () => {
  const size: Record<string, number> = { u8: 1, u16: 2, u32: 4, i16: 2, i32: 4, text: 1, rest: 0 };
  for (const message of allMessages()) {
    const fixed = message.kinds.reduce((sum, kind) => sum + (size[kind] as number), 0);
    if (message.kind !== "stream") expect(fixed, message.name).toBeLessThan(CONTROL_BODY_BYTES);
  }
});

test("the body check tells operands apart and stays in 16 bits", () => {
  fc.assert(
    fc.property(fc.nat(255), fc.nat(255), fc.nat(65535), fc.nat(15), (a, b, c, bit) => {
      const check = bodyCheck(a, b, c);
      expect(check).toBeGreaterThanOrEqual(0);
      expect(check).toBeLessThanOrEqual(65535);
      expect(bodyCheck(a, b, c ^ (1 << bit))).not.toBe(check);
      if (bit < 8) expect(bodyCheck(a ^ (1 << bit), b, c)).not.toBe(check);
    }),
    { seed: 3 },
  );
});
