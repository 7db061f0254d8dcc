import { afterAll, expect, test } from "vitest";
import { Converter } from "../src/oip/converter.ts";
import { grpcWork } from "../src/oip/grpc-request.ts";
import { isLarge, jsonWork, tensorWork } from "../src/oip/work.ts";

const converter = new Converter(64);
afterAll(() => converter.close());

function request(data: string, size: number): Promise<unknown> {
  const input = `{"name":"x","datatype":"FP32","shape":[${size}],"data":[${data}]}`;
  const body = Buffer.from(`{"inputs":[${input}]}`);
  return Promise.resolve(converter.do("restRequest", jsonWork(body), body, undefined, "m", ""));
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
  expect(grpcWork(field(7, tensor))).toEqual({ bytes: 4, elements: 4 });
  expect(grpcWork(Buffer.concat([field(5, new Uint8Array(300)), field(7, tensor)]))).toEqual({
    bytes: 308,
    elements: 304,
  });
  const many = Buffer.concat(Array.from({ length: 2000 }, () => field(7, new Uint8Array(1))));
  expect(grpcWork(many)).toEqual({ bytes: many.length, elements: many.length });
  const cut = field(7, tensor).subarray(0, 500_000);
  expect(grpcWork(cut)).toEqual({ bytes: 500_000, elements: 500_000 });
  const typed = (id: number): Buffer => field(5, field(5, field(id, new Uint8Array(40_000))));
  expect(grpcWork(typed(6))).toEqual({ bytes: 40_012, elements: 10_001 });
  expect(grpcWork(typed(3))).toEqual({ bytes: 40_012, elements: 40_004 });
});

test("what has many values is converted elsewhere, however few bytes they stand in", async () => {
  const classes = (count: number) => {
    const tensor = { type: "INT8", dims: [count], data: new Uint8Array(count).fill(1, count - 1) };
    return converter.do("classify", tensorWork([tensor]), tensor, 1, "y");
  };
  expect(classes(10_000)).not.toBeInstanceOf(Promise);
  const many = classes(255 * 1024);
  expect(many).toBeInstanceOf(Promise);
  expect(Buffer.from((await many).data.subarray(4)).toString()).toBe(`1.000000:${255 * 1024 - 1}`);
  const json = (values: number): Buffer => Buffer.from(`[${"1,".repeat(values - 1)}1]`);
  expect([isLarge(jsonWork(json(10_000))), isLarge(jsonWork(json(20_000)))]).toEqual([false, true]);
  expect(isLarge(jsonWork(Buffer.from(`"${"a".repeat(200_000)}"`)))).toBe(false);
  const text = { type: "BYTES", dims: [1], data: new Uint8Array(80_000) };
  expect([isLarge(tensorWork([text])), isLarge(tensorWork([text, text]))]).toEqual([true, true]);
}, 120_000);
