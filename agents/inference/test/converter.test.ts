import { afterAll, expect, test } from "vitest";
import { Converter } from "../src/oip/converter.ts";
import { looseBytes } from "../src/oip/grpc-request.ts";

const converter = new Converter(64);
afterAll(() => converter.close());

function request(data: string, size: number): Promise<unknown> {
  const input = `{"name":"x","datatype":"FP32","shape":[${size}],"data":[${data}]}`;
  const body = Buffer.from(`{"inputs":[${input}]}`);
  return Promise.resolve(converter.do("restRequest", body.length, body, undefined, "m", ""));
}

test("a body whose values do not fit into memory costs the converting process alone, and the next one is converted", async () => {
  const hostile = request(`${"[],".repeat(5_000_000)}1`, 1);
  const after = request(`${"1.5,".repeat(99_999)}1.5`, 100_000);
  await expect(hostile).rejects.toMatchObject({ kind: "too-large", message: expect.stringContaining("memory") });
  expect(await after).toMatchObject({ request: { model: "m", inputs: [{ name: "x", data: { values: 100_000 } }] } });
}, 120_000);

test("only what decoding works on counts: raw tensors do not, fields beyond any model's and damaged messages do", () => {
  const field = (id: number, bytes: Uint8Array): Buffer => {
    const length = [(bytes.length & 0x7f) | 0x80, ((bytes.length >> 7) & 0x7f) | 0x80, bytes.length >> 14];
    return Buffer.concat([Buffer.from([(id << 3) | 2, ...length]), bytes]);
  };
  const tensor = new Uint8Array(1_000_000);
  expect(looseBytes(field(7, tensor))).toBe(4);
  expect(looseBytes(Buffer.concat([field(5, new Uint8Array(300)), field(7, tensor)]))).toBe(308);
  const many = Buffer.concat(Array.from({ length: 2000 }, () => field(7, new Uint8Array(1))));
  expect(looseBytes(many)).toBe(many.length);
  const cut = field(7, tensor).subarray(0, 500_000);
  expect(looseBytes(cut)).toBe(500_000);
});
