import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pythonEnv } from "../../../.ci/python-env.ts";
import { startTestBay, type TestBay } from "./bay.ts";

const run = promisify(execFile);
const python = await pythonEnv("board-farm");
const there = !("missing" in python);
const pduclient = spawnSync("pduclient", ["-h"]).error === undefined;
if (!pduclient) console.warn("skipped: pduclient is not installed (Debian: pdudaemon-client)");
const script = fileURLToPath(new URL("./fixtures/labgrid_power.py", import.meta.url));

/** An address of loopback that nobody else uses: pdudaemon's clients know only port 16421. */
const PDUDAEMON = "127.0.0.77";
let bay: TestBay;

beforeAll(async () => {
  if (!there && !pduclient) return;
  bay = await startTestBay({
    options: { compat: true, compatPdudaemon: { host: PDUDAEMON, port: 16421, named: true } },
  });
});
afterAll(() => bay?.stop());

async function labgrid(what: string): Promise<Record<string, unknown>> {
  if ("missing" in python) throw new Error(python.missing);
  const token = readFileSync(bay.supervisor.tokenFile, "utf8").trim();
  const address = bay.supervisor.http.replace("http://", "");
  const { stdout } = await run(python.python, [script, address, token, PDUDAEMON, what]);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
}

test.skipIf(!there)(
  "labgrid's rest back end switches, reads and cycles; refusals reach the test that uses it",
  async () => {
    expect(await labgrid("rest")).toEqual({
      seen: [false, null, true, null, true, null, false],
      named: true,
      missing: "HTTPError",
      wrong: "HTTPError",
    });
    expect(bay.rail(3).switchOn).toBe(true);
  },
);

test.skipIf(!there)(
  "labgrid's PDUDaemonDriver: on, reboot by the board's own cycle, off; a port that is not there fails",
  async () => {
    expect(await labgrid("pdudaemon")).toEqual({ done: true, missing: "HTTPError" });
    expect(bay.rail(4).switchOn).toBe(false);
    const states = bay.messages
      .filter((message) => message.topic === "target/spare-4/state/power")
      .map((message) => (JSON.parse(message.payload) as { state: string }).state)
      .filter((state) => state !== "changing");
    expect(states.slice(-2)).toEqual(["on", "off"]);
  },
);

test.skipIf(!there)(
  "says-yes-when-it-means-no: a rail that stays up is an error in labgrid, not a success",
  async () => {
    await bay.api("PUT", "/api/v1/targets/spare-5/power", { state: "on" });
    bay.rail(5).fault = "stuck-on";
    expect(await labgrid("off")).toEqual({ off: "HTTPError" });
    bay.rail(5).fault = "none";
  },
);

test.skipIf(!pduclient)("pdudaemon's own client: exit 0 when the board has proved it, 127 when not", async () => {
  const client = (port: string, command: string, ...more: string[]) => {
    const args = [
      "--http",
      "--daemon",
      PDUDAEMON,
      "--hostname",
      "rack1",
      "--port",
      port,
      "--command",
      command,
      ...more,
    ];
    return run("pduclient", args).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
  };
  expect(await client("6", "on")).toBe(0);
  expect(bay.rail(6).switchOn).toBe(true);
  expect(await client("6", "reboot", "--delay", "1")).toBe(0);
  expect(bay.rail(6).switchOn).toBe(true);
  expect(await client("6", "off")).toBe(0);
  expect(bay.rail(6).switchOn).toBe(false);
  expect(await client("9999", "on")).toBe(127);
});
