import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { monitoringUsb } from "@mltb/hardware";
import { afterAll, expect, test } from "vitest";
import { type Ended, mltb, start } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-install-"));
const children = new Set<ReturnType<typeof spawn>>();
let board: Awaited<ReturnType<typeof start>> | undefined;
afterAll(async () => {
  await board?.end();
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});
const hook = fileURLToPath(new URL("./without-agents.mjs", import.meta.url));

/** A command where neither agents nor simulators nor firmware tools are installed. */
function small(...args: string[]): { ended: Promise<Ended>; ready: Promise<string>; end(): void } {
  const child = spawn(process.execPath, ["--import", hook, mltb, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  let out = "";
  let err = "";
  child.stderr.on("data", (chunk) => (err += chunk));
  const ready = new Promise<string>((resolve) => {
    child.stdout.on("data", (chunk) => {
      out += chunk;
      resolve(out);
    });
  });
  const ended = new Promise<Ended>((resolve) =>
    child.on("exit", (code) => {
      children.delete(child);
      resolve({ code, out, err });
    }),
  );
  return { ended, ready, end: () => void child.kill("SIGINT") };
}

test("without agents, simulators and firmware tools the bay runs boards; what is missing is told with the mend", async () => {
  board = await start("simulate", "board", "--kind", "monitoring", "--link", join(folder, "board0"), "--json");
  writeFileSync(
    join(folder, "bay.yml"),
    "bay: small\nracks:\n  - rack: r1\n    board: { name: b1, kind: monitoring, link: { serial: board0 } }\n    targets:\n      - { target: t1, channel: 1 }\n",
  );
  const state = join(folder, "state");
  const ports = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--state", state, "--json"];
  const bay = small("up", "--bay", join(folder, "bay.yml"), ...ports);
  expect(JSON.parse(await bay.ready)).toMatchObject({ event: "ready", bay: "small", targets: ["t1"] });
  const on = await small("power", "on", "t1", "--state", state, "--json").ended;
  expect(on.err).toBe("");
  expect(JSON.parse(on.out)).toMatchObject({ name: "t1", power: "on" });
  expect(JSON.parse(on.out).voltage_v).toBeGreaterThan(4.5);
  const ask = () => small("doctor", "--bay", join(folder, "bay.yml"), "--state", state, "--json").ended;
  let doctor = await ask();
  // On a busy machine a link may be degraded for a second; that is not what is looked at here.
  for (let n = 0; n < 60 && doctor.out.includes('"degraded"'); n += 1) doctor = await ask();
  const { findings } = JSON.parse(doctor.out);
  expect(findings).toContainEqual({
    check: "board b1",
    state: "ok",
    detail: `${join(folder, "board0")} can be opened`,
  });
  expect(findings).toContainEqual({ check: "board b1", state: "ok", detail: "ready" });
  expect(doctor.code).toBe(0);
  const agent = await small("agent", "inference", "--models", folder).ended;
  expect(agent.err).toMatch(/error: package @mltb\/agent-inference is not installed here \(MLTB_INSTALL=full/);
  expect(agent.code).toBe(4);
  bay.end();
  expect((await bay.ended).code).toBe(0);
});

test("udev rules name the ids of our boards, the unit the commands that there are", () => {
  const read = (name: string): string =>
    readFileSync(fileURLToPath(new URL(`../../../packaging/${name}`, import.meta.url)), "utf8");
  const id = (number: number): string => number.toString(16).padStart(4, "0");
  for (const rule of read("udev/70-mltb.rules").split("\n")) {
    if (!rule.startsWith("SUBSYSTEM")) continue;
    expect(rule).toContain(`{idVendor}=="${id(monitoringUsb.vendor_id)}"`);
    expect(rule).toContain(`{idProduct}=="${id(monitoringUsb.product_id)}"`);
  }
  expect(read("systemd/mltb.service")).toMatch(/^ExecStart=\S+\/mltb up --bay \S+ --state \S+ --json$/m);
  expect(read("systemd/mltb.service")).toMatch(/^ExecReload=\S+\/mltb reload --state \S+$/m);
  const agent = read("systemd/mltb-agent.service").replaceAll("\\\n", "");
  const options = new Set(/^ExecStart=\S+\/mltb agent inference (.*)$/m.exec(agent)?.[1]?.match(/--[a-z-]+/g));
  const wanted = [
    "--grpc",
    "--tls",
    "--token-file",
    "--advertise",
    "--mqtt",
    "--mqtt-password-file",
    "--bay",
    "--target",
  ];
  for (const option of wanted) expect(options).toContain(option);
});

test("doctor tells a port that is not there, and a bay file's faults with their place", async () => {
  const file = join(folder, "faulty.yml");
  writeFileSync(
    file,
    "bay: x\nracks:\n  - rack: r\n    board: { name: b, kind: monitoring, link: { usb: { serial: NONE } } }\n    targets: [{ target: t, channel: 1 }]\n",
  );
  const missing = await small("doctor", "--bay", file, "--state", join(folder, "none")).ended;
  expect(missing.code).toBe(1);
  expect(missing.out).toMatch(/FAULT {2}board b: no port is usb \*:\* serial NONE\n +plug it in/);
  writeFileSync(
    file,
    "bay: x\nracks:\n  - rack: r\n    board: { name: b, kind: monitoring, link: { serial: /dev/ttyACM0 } }\n    targets: [{ target: t, channel: 1 }]\n",
  );
  const faulty = await small("doctor", "--bay", file, "--state", join(folder, "none")).ended;
  expect(faulty.out).toMatch(/faulty\.yml:4:\d+: error: .*this path changes when boards are plugged in/);
});
