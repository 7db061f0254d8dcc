import { FirmwareState, Outcome, PowerAction, Refusal, Stream } from "@mltb/protocol";
import { expect } from "vitest";
import type { Bench } from "../bench.ts";
import { type Change, changedBundle, sha256, transfer } from "../bundles.ts";
import { power, rail, type Scenario } from "./scenario.ts";

async function formatOf(bench: Bench): Promise<number> {
  const answer = await bench.request("firmware_get", {});
  if (answer.kind !== "answer") throw new Error(`firmware_get: ${JSON.stringify(answer)}`);
  return answer.body.format;
}

/** Sends a bundle and starts it; its hash. */
async function start(bench: Bench, change: Change): Promise<string> {
  const format = await formatOf(bench);
  const bytes = await changedBundle(change, format);
  await transfer(bench, bytes, format);
  const hash = sha256(bytes);
  expect(await bench.request("firmware_start", { hash })).toMatchObject({ kind: "answer" });
  return hash;
}

/** Moves time and counts the milliseconds in which the switch of channel 1 was open. */
async function runAndWatch(bench: Bench, ms: number): Promise<number> {
  let open_ms = 0;
  for (let n = 0; n < ms; n += 1) {
    await bench.run(1);
    if (!rail(bench).switchOn) open_ms += 1;
  }
  return open_ms;
}

async function stateOf(bench: Bench) {
  return bench.request("channel_get", { channel: 1 });
}

export const updateScenarios: Scenario[] = [
  {
    name: "a bundle is sent and started: the channel stays on, limits stay, and confirmed it outlives a restart of the board",
    needs: ["update", "power", "physics", "restarts"],
    heavy: true,
    async run(bench) {
      expect(await power(bench, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
      const hash = await start(bench, "newer");
      expect(await runAndWatch(bench, 3000)).toBe(0);
      expect(bench.welcome()).toMatchObject({ firmware: "0.1.1", reset_cause: 4 });
      expect(await stateOf(bench)).toMatchObject({ body: { state: 2, switch_on: 1, fault: 0 } });
      expect(await bench.request("firmware_get", {})).toMatchObject({
        body: { state: FirmwareState.trial, slot: 1, hash },
      });
      expect(await bench.request("firmware_confirm", { hash })).toMatchObject({
        body: { state: FirmwareState.confirmed },
      });
      expect(await runAndWatch(bench, 10_000)).toBe(0);
      bench.restart();
      await bench.run(3000);
      expect(bench.welcome()).toMatchObject({ firmware: "0.1.1" });
    },
  },
  {
    name: "a bundle that nobody confirms gives way after 10 s, and the channel stays on",
    needs: ["update", "power", "physics", "restarts"],
    heavy: true,
    async run(bench) {
      await power(bench, PowerAction.on);
      await start(bench, "newer");
      expect(await runAndWatch(bench, 9000)).toBe(0);
      expect(bench.welcome()).toMatchObject({ firmware: "0.1.1" });
      expect(await runAndWatch(bench, 4000)).toBe(0);
      expect(bench.welcome()).toMatchObject({ firmware: "0.1.0" });
      expect(await stateOf(bench)).toMatchObject({ body: { state: 2, switch_on: 1 } });
      bench.restart();
      await bench.run(3000);
      expect(bench.welcome()).toMatchObject({ firmware: "0.1.0" });
    },
  },
  {
    name: "a bundle that fails while it boots gives way at once, and the channel stays on",
    needs: ["update", "power", "physics", "restarts"],
    heavy: true,
    async run(bench) {
      await power(bench, PowerAction.on);
      await start(bench, "fails to boot");
      expect(await runAndWatch(bench, 3000)).toBe(0);
      expect(bench.welcome()).toMatchObject({ firmware: "0.1.0", reset_cause: 4 });
      expect(await bench.request("firmware_get", {})).toMatchObject({ body: { slot: 0 } });
      expect(await stateOf(bench)).toMatchObject({ body: { state: 2, switch_on: 1 } });
      const log = await bench.request("log_read", { first: 0 });
      expect(log.kind === "answer" && log.body.data).toMatch(/3 the bundle on trial gave way: .*cannot boot/);
    },
  },
  {
    name: "a bundle that lets an error out while it is on trial gives way, and the channel stays on",
    needs: ["update", "power", "physics", "restarts"],
    heavy: true,
    async run(bench) {
      await power(bench, PowerAction.on);
      await start(bench, "fails after a second");
      expect(await runAndWatch(bench, 4000)).toBe(0);
      expect(await bench.request("firmware_get", {})).toMatchObject({ body: { slot: 0 } });
      expect(await stateOf(bench)).toMatchObject({ body: { state: 2, switch_on: 1 } });
    },
  },
  {
    name: "a confirmed bundle that cannot start by itself gives way to the image's own after three starts",
    needs: ["update", "physics", "restarts"],
    heavy: true,
    async run(bench) {
      const hash = await start(bench, "fails unless another bundle hands over");
      await bench.run(1500);
      expect(await bench.request("firmware_confirm", { hash })).toMatchObject({ kind: "answer" });
      await bench.run(10_000);
      bench.restart();
      await bench.run(5000);
      expect(await bench.request("firmware_get", {})).toMatchObject({
        body: { slot: 0, state: FirmwareState.factory },
      });
      // What ended the starts was an error, and no outage.
      expect(bench.welcome()?.reset_cause).toBe(2);
      expect(await power(bench, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
    },
  },
  {
    name: "a bundle that hangs while it is on trial gives way",
    needs: ["update", "power", "physics", "restarts"],
    heavy: true,
    async run(bench) {
      await start(bench, "hangs after a second");
      await bench.run(5000);
      expect(await bench.request("firmware_get", {})).toMatchObject({ body: { slot: 0 } });
      expect(await power(bench, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
    },
  },
  {
    name: "streams are refused while a bundle is received; a wrong place, hash or format is refused; power works on",
    needs: ["update", "power", "samples", "physics"],
    heavy: true,
    async run(bench) {
      const format = await formatOf(bench);
      const bytes = await changedBundle("newer", format);
      const hash = sha256(bytes);
      const stream = { stream: Stream.samples, ttl_ms: 2000, period_us: 0 };
      const busy = { kind: "refused", code: Refusal.busy };
      const bad = { kind: "refused", code: Refusal.bad_value };
      expect(await bench.request("firmware_open", { size: bytes.length, format: format + 1, hash })).toMatchObject(bad);
      expect(await bench.request("firmware_open", { size: 1 << 20, format, hash })).toMatchObject(bad);
      expect(await bench.request("stream_open", stream)).toMatchObject({ kind: "answer" });
      expect(await bench.request("firmware_open", { size: bytes.length, format, hash })).toMatchObject(busy);
      await bench.run(2500);
      expect(await bench.request("firmware_open", { size: bytes.length, format, hash })).toMatchObject({
        kind: "answer",
      });
      expect(await bench.request("stream_open", stream)).toMatchObject(busy);
      expect(await bench.request("firmware_write", { offset: 4, data: "x" })).toMatchObject(bad);
      expect(await power(bench, PowerAction.on)).toMatchObject({ body: { outcome: Outcome.done } });
      expect(await bench.request("firmware_start", { hash })).toMatchObject(bad);
      const wrong = Buffer.from(bytes);
      wrong[wrong.length >> 1] = (wrong[wrong.length >> 1] as number) ^ 1;
      for (let offset = 0; offset < wrong.length; offset += 224) {
        const data = wrong.toString("latin1", offset, offset + 224);
        expect(await bench.request("firmware_write", { offset, data })).toMatchObject({ kind: "answer" });
      }
      expect(await bench.request("firmware_start", { hash })).toMatchObject({
        kind: "refused",
        code: Refusal.bad_check,
      });
      expect(await bench.request("stream_open", stream)).toMatchObject({ kind: "answer" });
      expect(await bench.request("firmware_get", {})).toMatchObject({ body: { slot: 0 } });
    },
  },
  {
    name: "values of the store outlive a restart of the board, also when there are more than a sector holds",
    needs: ["store", "restarts"],
    async run(bench) {
      expect(await bench.request("store_get", { key: "none" })).toMatchObject({ body: { value: "" } });
      for (let n = 0; n < 60; n += 1) {
        const value = `${n}:${"\0\xff".repeat(90)}`;
        expect(await bench.request("store_set", { key: `key${n % 7}`, value })).toMatchObject({ body: { value } });
      }
      expect(await bench.request("store_set", { key: "key2", value: "" })).toMatchObject({ kind: "answer" });
      expect(await bench.request("store_set", { key: "", value: "x" })).toMatchObject({ code: Refusal.bad_value });
      bench.restart();
      await bench.run(3000);
      const kept = async (key: string) => bench.request("store_get", { key });
      expect(await kept("key3")).toMatchObject({ body: { value: `59:${"\0\xff".repeat(90)}` } });
      expect(await kept("key4")).toMatchObject({ body: { value: `53:${"\0\xff".repeat(90)}` } });
      expect(await kept("key2")).toMatchObject({ body: { value: "" } });
    },
  },
  {
    name: "the log is read from any line on, and says how many lines are gone",
    needs: ["logs"],
    async run(bench) {
      let next = 0;
      let lost = 0;
      let text = "";
      for (let data = "x"; data !== ""; ) {
        const part = await bench.request("log_read", { first: next });
        if (part.kind !== "answer") throw new Error("no log");
        // A board that has been up for long may have lost its first lines.
        expect(part.body.first).toBe(next + part.body.lost);
        ({ next, data } = part.body);
        lost += part.body.lost;
        text += data;
      }
      expect(text).toMatch(/^(\d+ [0-3] [^\n]+\n)+$/);
      expect(text.split("\n")).toHaveLength(next - lost + 1);
      if (lost === 0) expect(text).toMatch(/^\d+ 1 monitoring 0\.1\.0 started\n/);
    },
  },
];
