import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { createPtyCarrier } from "./pty.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-pty-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("what nobody reads holds no process: it waits, takes room, and comes whole and in order when somebody does", async () => {
  const carrier = createPtyCarrier(join(folder, "board"));
  const empty = carrier.room();
  let sent = "";
  for (let n = 0; carrier.room() > empty / 2; n += 1) {
    const piece = `${n.toString().padStart(99, "0")}\n`;
    sent += piece;
    carrier.write(piece);
    if (n % 10 === 0) await sleep(0);
  }
  const host = openSync(carrier.link, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  const chunk = Buffer.alloc(65_536);
  let heard = "";
  while (heard.length < sent.length) {
    try {
      heard += chunk.toString("latin1", 0, readSync(host, chunk));
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe("EAGAIN");
      await sleep(1);
    }
  }
  expect(heard === sent).toBe(true);
  await expect.poll(() => carrier.room()).toBe(empty);
  closeSync(host);
  carrier.close();
  carrier.write("nobody hears this");
  expect(carrier.room()).toBe(empty);
});
