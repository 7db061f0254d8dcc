import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBay, type TestBay, until } from "./bay.ts";

const installed = spawnSync("promtool", ["--version"]).error === undefined;
if (!installed) console.warn("skipped: promtool and prometheus are not installed (Debian: prometheus)");
const folder = fileURLToPath(new URL("../prometheus", import.meta.url));

let bay: TestBay;
let home: string;
let server: ChildProcess;
let url: string;

beforeAll(async () => {
  if (!installed) return;
  bay = await startTestBay();
  home = mkdtempSync(join(tmpdir(), "mltb-prometheus-"));
  const reserve = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => reserve.once("listening", resolve));
  const { port } = reserve.address() as { port: number };
  await new Promise((resolve) => reserve.close(resolve));
  url = `http://127.0.0.1:${port}`;
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: [join(folder, "alerts.yml")],
    scrape_configs: [
      {
        job_name: "mltb",
        authorization: { credentials_file: bay.supervisor.tokenFile },
        static_configs: [{ targets: [bay.supervisor.http.replace("http://", "")] }],
      },
    ],
  };
  // JSON is YAML.
  writeFileSync(join(home, "prometheus.yml"), JSON.stringify(config));
  server = spawn(
    "prometheus",
    [
      `--config.file=${join(home, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(home, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: "ignore" },
  );
});
afterAll(async () => {
  if (!installed) return;
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill();
  await ended;
  await bay.stop();
  rmSync(home, { recursive: true });
});

async function query(text: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(text)}`).catch(() => undefined);
  if (response?.ok !== true) return [];
  return ((await response.json()) as { data: { result: never[] } }).data.result;
}

test.skipIf(!installed)("the metrics of a bay at work are clean for promtool", async () => {
  await bay.api("PUT", "/api/v1/targets/spare-3/power", { state: "on" });
  const response = await fetch(`${bay.supervisor.http}/metrics`, {
    headers: { authorization: `Bearer ${readFileSync(bay.supervisor.tokenFile, "utf8").trim()}` },
  });
  const check = spawnSync("promtool", ["check", "metrics"], { input: await response.text(), encoding: "utf8" });
  expect([check.status, check.stdout, check.stderr]).toEqual([0, "", ""]);
});

test.skipIf(!installed)("the alert rules pass promtool's check and their unit tests", () => {
  for (const args of [
    ["check", "rules", "alerts.yml"],
    ["test", "rules", "alerts.test.yml"],
  ]) {
    const ran = spawnSync("promtool", args, { cwd: folder, encoding: "utf8" });
    expect([args[0], ran.status, `${ran.stdout}${ran.stderr}`]).toEqual([
      args[0],
      0,
      expect.stringContaining("SUCCESS"),
    ]);
  }
});

test.skipIf(!installed)("every metric that an alert rule names is one of the bay's", async () => {
  const rules = readFileSync(join(folder, "alerts.yml"), "utf8");
  const response = await fetch(`${bay.supervisor.http}/metrics`, {
    headers: { authorization: `Bearer ${readFileSync(bay.supervisor.tokenFile, "utf8").trim()}` },
  });
  const text = await response.text();
  const named = new Set([...rules.matchAll(/\bmltb_[a-z_]+/g)].map(([name]) => name.replace(/_count$/, "")));
  expect(named.size).toBeGreaterThan(5);
  for (const name of named) expect([name, text.includes(`# TYPE ${name} `)]).toEqual([name, true]);
});

test.skipIf(!installed)(
  "a real Prometheus scrapes the bay with its token, and a latched fault becomes an alert",
  async () => {
    await until(async () => (await query("up{job='mltb'} == 1")).length === 1, 60_000);
    const voltage = await until(async () => (await query("mltb_target_voltage_volts{target='spare-3'}"))[0], 30_000);
    expect(Math.abs(Number(voltage.value[1]) - bay.rail(3).voltage_v)).toBeLessThan(0.2);
    bay.rail(3).extra_a = 5;
    const alert = await until(async () => (await query("ALERTS{alertname='MltbTargetFault'}"))[0], 60_000);
    expect(alert.metric).toMatchObject({ target: "spare-3", fault: "hard-over-current", alertstate: "firing" });
    bay.rail(3).extra_a = 0;
  },
);
