import { buildBundle } from "@mltb/firmware";
import { allMessages, CONTROL_BODY_BYTES, encodeBody, encodeFrame, Kind, nodeSeal } from "@mltb/protocol";
import { expect, test } from "vitest";
import { randomBody } from "../fuzz/frames.ts";
import { createLuaBoard } from "../src/index.ts";
import { random } from "../src/world/random.ts";

const kinds: Record<string, number> = Kind;
const MESSAGES = 20_000;
/** What the codec holds with some messages parsed, and the garbage of a cycle. */
const HEAP_BYTES = 400_000;

test(`${MESSAGES} messages of every kind: a board forgets those that it does not use, its heap stays where it is`, async () => {
  const { source } = await buildBundle("codec");
  let answered = 0;
  const hal = {
    link_write() {
      answered += 1;
    },
    field: () => undefined,
  };
  const board = await createLuaBoard({ bundle: source, hal });
  const messages = allMessages();
  const source_of = random(3);
  let sent = 0;
  for (let n = 0; n < MESSAGES; n += 1) {
    const message = messages[n % messages.length] as (typeof messages)[0];
    const body = encodeBody(message, randomBody(source_of, message, 40));
    if (body.length > CONTROL_BODY_BYTES) continue;
    const kind = kinds[message.kind] as number;
    board.rx(encodeFrame({ kind, seq: 1, ack: 2, credit: 3, id: message.id, tag: 4, body }, nodeSeal).slice(0, -1), 0);
    sent += 1;
  }
  expect(answered).toBe(sent);
  expect(board.heap().peak_bytes).toBeLessThan(HEAP_BYTES);
  board.close();
});
