import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { buildImage, missingImagePackages } from "@mltb/firmware/images";
import { bodyCheck, type Message, Outcome, PowerAction } from "@mltb/protocol";
import { describe, expect, test } from "vitest";
import { DeviceLink } from "../../host/supervisor/src/link/device-link.ts";
import { fileTransport } from "../../host/supervisor/src/link/open.ts";
import { createQemuBoard, missingQemuPackages, type QemuBoard } from "../src/index.ts";
import { random } from "../src/world/random.ts";

const long = process.env["MLTB_LONG"] === "1";
/** DESIGN section 4: a stall bites within this, and outputs go to their policy. */
/** 115,200 baud, ten bits a byte. */
const LINE_BYTES_PER_MS = 11.52;
const STALL_MS = 500;
const ENDLESS_LOOP = 0xe7fe;
/** Bytes that Lua may allocate on these boards. */

/** The supervisor's own link on the emulator's port. */
async function linked(machine: "ast1030" | "lm3s6965") {
  const { bin, elf } = await buildImage(machine);
  const board = await createQemuBoard({ machine, image: bin });
  const seen: string[] = [];
  const welcomes: { body: Message<"welcome">; restarted: boolean }[] = [];
  const link = new DeviceLink(
    fileTransport(board.link),
    {
      onLifecycle: (state) => seen.push(state),
      onWelcome: (body, restarted) => welcomes.push({ body, restarted }),
      onMessage: () => undefined,
    },
    7,
  );
  link.start();
  const until = async (what: () => boolean, ms = 15_000): Promise<void> => {
    for (const end = performance.now() + ms; !what(); await sleep(5)) {
      if (performance.now() > end) throw new Error(`waited in vain; the link was ${seen.join(", ")}; ${board.debug()}`);
    }
  };
  await until(() => link.lifecycle === "ready");
  return {
    board,
    link,
    welcomes,
    until,
    elf,
    async stop() {
      await link.stop();
      await board.close();
    },
  };
}

function power(link: DeviceLink, action: number, off_ms = 0) {
  return link.request("power_set", { channel: 1, action, off_ms, check: bodyCheck(1, action, off_ms) }, 20_000);
}

/**
 * A board with its first channel proved on. Time is the host's: a rail that stands still while this machine does not run
 * its physics is rightly a fault of the board, and then, but only then, another board is taken.
 */
async function poweredOn(machine: "ast1030" | "lm3s6965") {
  for (let tries = 1; ; tries += 1) {
    const rig = await linked(machine);
    const answer = await power(rig.link, PowerAction.on);
    const on = answer.kind === "answer" && answer.body["outcome"] === Outcome.done;
    if (on) return rig;
    const { stalls } = rig.board.counters;
    await rig.stop();
    expect({ answer, tries, stalled: stalls > 0 }).toMatchObject({
      tries: expect.toSatisfy((n) => n < 3),
      stalled: true,
    });
  }
}

/** Address of a function in the image. */
function symbol(elf: string, name: string): number {
  const line = execFileSync("arm-none-eabi-nm", [elf], { encoding: "utf8" })
    .split("\n")
    .find((entry) => entry.endsWith(` ${name}`));
  return Number.parseInt(line ?? "", 16) & ~1;
}

async function msUntilOff(board: QemuBoard): Promise<number> {
  const start = performance.now();
  while (board.rails[0]?.switchOn === true && performance.now() - start < 4 * STALL_MS) await sleep(1);
  return performance.now() - start;
}

const missing = [...missingImagePackages(), ...missingQemuPackages()];

describe.skipIf(missing.length > 0).each(["ast1030", "lm3s6965"] as const)(
  "robustness of the %s image in QEMU",
  (machine) => {
    test("emulator-killed: the open request is unknown, the link comes back by itself, the epoch is another, the state is read again", async () => {
      const { board, link, welcomes, until, stop } = await poweredOn(machine);
      try {
        const cycle = power(link, PowerAction.cycle, 10_000);
        await sleep(300);
        await board.kill();
        expect(await cycle).toEqual({ kind: "unknown" });
        await until(() => link.lifecycle !== "ready");
        expect(board.rails[0]?.switchOn).toBe(false);
        await board.start();
        await until(() => link.lifecycle === "ready");
        expect(welcomes.map(({ restarted }) => restarted)).toEqual([false, true]);
        expect(welcomes[1]?.body.epoch).not.toBe(welcomes[0]?.body.epoch);
        const state = await link.request("channel_get", { channel: 1 }, 2000);
        expect(state).toMatchObject({ kind: "answer", body: { switch_on: 0 } });
      } finally {
        await stop();
      }
    });

    test("emulator-stopped: a board that hangs is lost, and is itself again when it goes on", async () => {
      const { board, link, welcomes, until, stop } = await linked(machine);
      try {
        await board.pause();
        await until(() => link.lifecycle === "lost");
        expect(await link.request("echo", { data: "?" }, 500)).toEqual({ kind: "unknown" });
        await board.resume();
        await until(() => link.lifecycle === "ready");
        expect(welcomes.at(-1)).toMatchObject({ restarted: false });
        expect(await link.request("echo", { data: "again" }, 2000)).toMatchObject({ kind: "answer" });
        expect(board.counters.resets).toBe(0);
      } finally {
        await stop();
      }
    });

    test("flood: random bytes at three times the line's rate are counted, the heap stays bounded, the board answers afterwards", async () => {
      const { board, link, until, stop } = await linked(machine);
      try {
        const { uniform } = random(5);
        const calm = await link.request("counters_get", {}, 5000);
        const port = fileTransport(board.link);
        await link.stop();
        // The driver may hold its lock for a moment after the port was closed.
        for (let opened = false; !opened; await sleep(20)) {
          opened = await port.open({ onBytes: () => undefined, onClose: () => undefined }).then(
            () => true,
            (error: Error) => {
              if (!/lock/.test(error.message)) throw error;
              return false;
            },
          );
        }
        // An emulated UART takes what comes at any rate, until the interrupt that empties it leaves the processor no time.
        const begun = performance.now();
        for (let sent = 0; sent < (long ? 3_000_000 : 300_000); sent += 1000) {
          port.write(Buffer.from(Array.from({ length: 1000 }, () => Math.floor(uniform() * 256))));
          while (port.room() < 60_000 || sent > (performance.now() - begun) * 3 * LINE_BYTES_PER_MS) await sleep(1);
        }
        port.write(Buffer.from([0]));
        await port.close();
        const after = new DeviceLink(
          fileTransport(board.link),
          { onLifecycle: () => undefined, onWelcome: () => undefined, onMessage: () => undefined },
          8,
        );
        after.start();
        await until(() => after.lifecycle === "ready");
        const answer = await after.request("counters_get", {}, 5000);
        expect(answer.kind).toBe("answer");
        const { body } = answer as { body: Message<"counters_answer"> };
        expect(body.crc + body.malformed + body.oversize).toBeGreaterThan(100);
        expect(body.lua_errors).toBe(0);
        expect(body.heap_bytes - (calm as { body: Message<"counters_answer"> }).body.heap_bytes).toBeLessThan(8000);
        expect(board.counters.resets).toBe(0);
        await after.stop();
      } finally {
        await stop();
      }
    });

    test("endless-lua-loop: the watchdog resets the board within 500 ms, its switch opens, and it says why it started", async () => {
      const { board, link, welcomes, until, elf, stop } = await linked(machine);
      try {
        // Time is the host's, and a busy host can only make it longer: the quickest of three counts.
        let quickest = Number.POSITIVE_INFINITY;
        for (let tries = 1; tries <= 3 && quickest > STALL_MS; tries += 1) {
          expect(await power(link, PowerAction.on)).toMatchObject({ kind: "answer" });
          await until(() => board.rails[0]?.switchOn === true);
          await board.patch(symbol(elf, "luaV_execute"), ENDLESS_LOOP);
          quickest = Math.min(quickest, await msUntilOff(board));
          expect(board.counters.watchdogs).toBe(tries);
          await until(() => welcomes.length > tries);
          expect(welcomes[tries]).toMatchObject({ restarted: true, body: { reset_cause: 1 } });
        }
        expect(quickest).toBeLessThanOrEqual(STALL_MS);
        expect(await power(link, PowerAction.on)).toMatchObject({ kind: "answer" });
      } finally {
        await stop();
      }
    });
  },
);
