import { createHostSession, type Message, nodeSeal } from "@mltb/protocol";
import { expect } from "vitest";
import { type Scenario, switches } from "./scenario.ts";

const long = process.env["MLTB_LONG"] === "1";

export const linkScenarios: Scenario[] = [
  {
    name: "hello is answered with what the board is and can do, ping with its clock",
    needs: [],
    async run(bench) {
      expect(bench.welcome()).toMatchObject({
        major: 1,
        kind: expect.stringMatching(/^(monitoring|floor)$/),
        nonce: bench.nonce,
      });
      const before = bench.pongs();
      await bench.run(600);
      expect(bench.pongs()).toBeGreaterThan(before);
    },
  },
  {
    name: "a second host is answered busy with the first one's name, and the first one keeps its session",
    needs: [],
    async run(bench) {
      const nonce = bench.nonce + 1;
      const busy: Message<"busy">[] = [];
      let welcomes = 0;
      const second = createHostSession(
        { write: (bytes) => bench.write(Buffer.from(bytes, "latin1")), room: () => 65_536 },
        nodeSeal,
        "second",
        nonce,
        {
          onWelcome: () => {
            welcomes += 1;
          },
          onMessage: () => undefined,
          onLost: () => undefined,
          onPong: () => undefined,
          onBusy: (body) => busy.push(body),
        },
      );
      let now = 0;
      bench.onBytes = (bytes) => second.rx(bytes, now);
      second.connect(0);
      for (; now < 1000 && busy.length === 0; now += 10) {
        second.tick(now);
        await bench.run(10);
      }
      bench.onBytes = () => undefined;
      expect(busy[0]).toMatchObject({ nonce, holder: "virtual-bench" });
      expect(busy[0]?.idle_ms).toBeLessThan(1000);
      expect(welcomes).toBe(0);
      expect((await bench.request("echo", { data: "first" })).kind).toBe("answer");
      expect(bench.session.port.open).toBe(true);
    },
  },
  {
    name: "the codec returns every byte value unchanged, in seeded bodies of every length",
    needs: [],
    async run(bench) {
      let state = 99;
      for (let i = 0; i < 240; i += long ? 1 : 7) {
        let data = "";
        for (let n = 0; n < i; n += 1) {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          // Half of the bytes are zero in every third body: the hard case for COBS.
          data += String.fromCharCode(i % 3 === 0 && (state & 0x800000) !== 0 ? 0 : state >>> 24);
        }
        expect(await bench.request("echo", { data })).toEqual({ kind: "answer", name: "echo_answer", body: { data } });
      }
    },
  },
  {
    name: "garbage on the link switches nothing, is counted, and the board still answers",
    needs: [],
    async run(bench) {
      const before = await switches(bench);
      const calm = await bench.request("counters_get", {});
      if (calm.kind !== "answer") throw new Error("no answer");
      const epoch = bench.welcome()?.epoch;
      let state = 7;
      for (let sent = 0; sent < (long ? 1_000_000 : 100_000); ) {
        // Below the rate of the slowest carrier: HID takes 64 bytes a millisecond, the UART 92.
        const chunk = Buffer.alloc(60);
        for (let i = 0; i < chunk.length; i += 1) {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          chunk[i] = state >>> 24;
        }
        bench.write(chunk);
        sent += chunk.length;
        await bench.run(1);
      }
      bench.write(Buffer.from([0]));
      await bench.run(3000);
      // What was sent between the garbage was garbage too: the session may have to be opened again.
      for (let tries = 0; !bench.session.port.open && tries < 50; tries += 1) await bench.run(100);
      expect(await switches(bench)).toEqual(before);
      const counters = await bench.request("counters_get", {});
      expect(counters.kind).toBe("answer");
      const { body } = counters as { body: Message<"counters_answer"> };
      expect(body.crc + body.malformed + body.oversize).toBeGreaterThan(100);
      expect(body.lua_errors).toBe(0);
      // A collector's cycle lets a heap without a cap double; one with a cap restarts the board when it is full.
      expect(body.heap_bytes).toBeLessThan(2 * calm.body.heap_bytes);
      expect(bench.welcome()?.epoch).toBe(epoch);
    },
  },
];
