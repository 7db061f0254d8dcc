import {
  allMessages,
  type Body,
  Cause,
  encodeBody,
  encodeFrame,
  Kind,
  nodeSeal,
  PowerAction,
  type RequestName,
} from "@mltb/protocol";
import { expect, test } from "vitest";
import { random } from "../src/world/random.ts";
import { openBench } from "./bench.ts";
import { luaBoard } from "./rungs.ts";
import { busyRack, staysDark } from "./scenarios/busy-rack.ts";
import { power } from "./scenarios/scenario.ts";

const ROUNDS = process.env["MLTB_LONG"] === "1" ? 400 : 12;
const SEED = 4711;

test(`local-only: every message with random bodies and damaged frames, ${ROUNDS} rounds: no press, no cause of the panel, the rack is not stopped`, async () => {
  const bench = await openBench(await luaBoard());
  const source = random(SEED);
  const integer = (most: number): number => Math.floor(source.uniform() * (most + 1));
  const text = (most: number): string =>
    Array.from({ length: integer(most) }, () => String.fromCharCode(integer(255))).join("");
  const value = (kind: string): number | string => {
    if (kind === "rest" || kind === "text") return text(24);
    const bits = Number(kind.slice(1));
    // Small numbers are what names of buttons, presses and channels are.
    const bound = source.uniform() < 0.5 ? 9 : 2 ** (kind.startsWith("i") ? bits - 1 : bits) - 1;
    return integer(bound);
  };
  await power(bench, PowerAction.on);
  let sent = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const message of allMessages()) {
      // A restart of the board or of its bundle is no local action, and would end the test.
      if (message.name.startsWith("firmware_") || message.name === "hello" || message.name === "reset") continue;
      const fields = Object.fromEntries(message.names.map((name, n) => [name, value(message.kinds[n] as string)]));
      // Through the session as well, so that bodies come to their handlers and do not end at the numbering of frames.
      if (message.kindNumber === Kind.request && bench.session.port.open) {
        void bench.send(message.name as RequestName, fields as never);
      }
      const frame = {
        kind: integer(Object.keys(Kind).length - 1),
        seq: integer(255),
        ack: integer(255),
        credit: 255,
        id: message.id,
        tag: integer(255),
        body: encodeBody(message, fields as Body),
      };
      const wire = Buffer.from(encodeFrame(frame, nodeSeal), "latin1");
      if (round % 2 === 1) wire[integer(wire.length - 1)] = integer(255);
      bench.write(wire);
      sent += 1;
      await bench.run(1);
    }
    if (!bench.session.port.open) await bench.run(1500);
  }
  await bench.run(3000);
  expect(sent).toBeGreaterThan(ROUNDS * 50);
  expect(bench.messages.filter(({ name }) => name === "button")).toEqual([]);
  const causes = bench.messages.filter(({ name }) => name === "channel_state").map(({ body }) => body["cause"]);
  expect(causes.length).toBeGreaterThan(8);
  expect(causes).not.toContain(Cause.panel);
  expect(bench.electronics.lcd.rows().join("\n")).not.toMatch(/STOP/);
  // A finger can, after all that.
  for (let tries = 0; !bench.session.port.open && tries < 50; tries += 1) await bench.run(100);
  // A stream that random bodies have opened ends with its session: while one runs the board stores nothing.
  bench.session.close();
  bench.session.connect(0);
  await bench.run(500);
  await busyRack(bench, 4500);
  bench.press("stop", 2200);
  await bench.run(2600);
  expect(bench.messages.filter(({ name }) => name === "button")).toHaveLength(1);
  await staysDark(bench);
  await bench.stop();
});
