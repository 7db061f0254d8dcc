import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { hostOf, hostPort, isLoopback, isWildcard, readBayFile } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-bay-agent-"));
afterAll(() => rmSync(folder, { recursive: true }));
for (const name of ["ca.pem", "token"]) writeFileSync(join(folder, name), "x\n");

/** A bay with one target whose agent has these keys. */
function read(agent: string, link = "{ serial: ./port }"): ReturnType<typeof readBayFile> {
  const file = join(folder, "bay.yml");
  const load = link === "simulated" ? "\n        load: { idle_w: 1, cpu_w: 0 }" : "";
  writeFileSync(
    file,
    `bay: lab
racks:
  - rack: rack1
    board: { name: b1, kind: monitoring, link: ${link} }
    targets:
      - target: jetson
        channel: 1
        agent:
          runtime: ort
${agent.replace(/^/gm, "          ")}${load}
`,
  );
  return readBayFile(file);
}

const places = (result: ReturnType<typeof readBayFile>) =>
  "faults" in result ? result.faults.map(({ line, column, code }) => [line, column, code]) : [];

test("certificate and token of a real board's agent are found beside the bay file", () => {
  const result = read("address: jetson.lan:8001\nca: ca.pem\ntoken_file: ./token");
  expect("bay" in result && result.bay.racks[0]?.targets[0]?.agent).toEqual({
    runtime: "ort",
    threads: 1,
    address: "jetson.lan:8001",
    ca: join(folder, "ca.pem"),
    token_file: join(folder, "token"),
  });
});

test("missing files are told at their places, all at once, with the mend", () => {
  const result = read("ca: none.pem\ntoken_file: missing/token");
  expect(places(result)).toEqual([
    [10, 15, "file-not-found"],
    [11, 23, "file-not-found"],
  ]);
  const [fault] = "faults" in result ? result.faults : [];
  expect(fault).toMatchObject({ message: `${folder}/none.pem not found`, path: "racks.0.targets.0.agent.ca" });
  expect(fault?.suggestion).toContain("cert.pem");
});

test.each([
  ["a token that would go in the clear", "token_file: token", "{ serial: ./port }", [[10, 23, "missing"]]],
  ["an address without a port", "address: jetson", "{ serial: ./port }", [[10, 20, "value"]]],
  [
    "a simulated target's agent, which runs here",
    "address: jetson:8001\nca: ca.pem",
    "simulated",
    [
      [10, 20, "value"],
      [11, 15, "value"],
    ],
  ],
  ["a foreign server's certificate without one", "oip_ca: ca.pem", "simulated", [[10, 19, "value"]]],
])("refused: %s", (_, agent, link, faults) => {
  expect(places(read(agent, link))).toEqual(faults);
});

test("through a tunnel on this machine a token needs no certificate", () => {
  expect("bay" in read("address: 127.0.0.1:9001\ntoken_file: token")).toBe(true);
});

test("hosts that only this machine reaches, and those that nobody can call", () => {
  for (const host of ["localhost", "127.0.0.1", "127.9.0.1", "::1", "::ffff:127.0.0.1", "a.localhost"])
    expect([host, isLoopback(host)]).toEqual([host, true]);
  for (const host of ["", "*", "0", "0.0.0.0", "::", "0:0:0:0:0:0:0:0"])
    expect([host, isWildcard(host), isLoopback(host)]).toEqual([host, true, false]);
  for (const host of ["192.0.2.2", "jetson.lan", "fe80::1", "localhost.example"])
    expect([host, isWildcard(host), isLoopback(host)]).toEqual([host, false, false]);
  expect(["[::1]:8001", "jetson:1"].map(hostOf)).toEqual(["::1", "jetson"]);
  expect(hostPort("::1", 8001)).toBe("[::1]:8001");
});
