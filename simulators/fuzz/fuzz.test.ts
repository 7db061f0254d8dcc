import { buildBundle } from "@mltb/firmware";
import {
  type Body,
  bodyCheck,
  encodeBody,
  encodeFrame,
  Kind,
  messageNamed,
  nodeSeal,
  PowerAction,
} from "@mltb/protocol";
import { expect, test } from "vitest";
import { createFuzzedEnd } from "./end.ts";
import { createFuzzer, emptyTally, verdict } from "./index.ts";

const BYTES = process.env["MLTB_LONG"] === "1" ? 10_000_000 : 1_000_000;

test(`${BYTES} damaged bytes on both sides: none of the guaranteed damage is accepted, nothing switches, nothing grows`, async () => {
  const fuzzer = await createFuzzer({ bundle: (await buildBundle("monitoring")).source, seed: 1 });
  const tally = emptyTally();
  for (let number = 0; tally.bytes < BYTES; number += 1) await fuzzer.round(tally, number);
  await fuzzer.close();
  expect(tally.frames.guarantee).toBeGreaterThan(BYTES / 200);
  expect(verdict(tally)).toEqual([]);
});

const switching: [string, string, Body][] = [
  ["on", "power_set", { channel: 2, action: PowerAction.on, off_ms: 0 }],
  ["off", "power_set", { channel: 1, action: PowerAction.off, off_ms: 0 }],
  ["off floating", "power_set", { channel: 3, action: PowerAction.off_floating, off_ms: 0 }],
  ["cycle", "power_set", { channel: 5, action: PowerAction.cycle, off_ms: 10 }],
  ["reset", "reset_pulse", { channel: 7, pulse_ms: 5 }],
];

test.each(switching)("an intact %s is seen to switch: what the rounds look for would show", async (_, name, body) => {
  const end = await createFuzzedEnd((await buildBundle("monitoring")).source, 1);
  const session = await end.open(1);
  expect(end.moves()).toBe(0);
  const message = messageNamed(name);
  if (message === undefined) throw new Error(`there is no message ${name}`);
  const check = bodyCheck(
    body["channel"] as number,
    (body["action"] ?? 0) as number,
    (body["off_ms"] ?? body["pulse_ms"]) as number,
  );
  const frame = {
    kind: Kind.request,
    seq: session.port.delivery.nextSeq,
    ack: 0,
    credit: 4,
    id: message.id,
    tag: 9,
    body: encodeBody(message, { ...body, check }),
  };
  end.feed(session, encodeFrame(frame, nodeSeal));
  for (let ms = 0; ms < 30; ms += 1) await end.step(session);
  expect(end.moves()).toBeGreaterThan(0);
  await end.close();
});
