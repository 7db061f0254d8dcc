import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bay, bootId } from "@mltb/contract";
import { afterAll, expect, test } from "vitest";
import { type Announced, agentRoute } from "./agent-route.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-route-"));
afterAll(() => rmSync(folder, { recursive: true }));
const [ca, token_file] = [join(folder, "ca.pem"), join(folder, "token")];
writeFileSync(ca, "certificate\n");
writeFileSync(token_file, "s3cret\n");

function bay(link: unknown, agent: object): Bay {
  const targets = [{ target: "jetson", channel: 1, agent: { runtime: "ort", threads: 1, ...agent } }];
  return { bay: "lab", racks: [{ rack: "rack1", board: { name: "b1", link }, targets }] } as unknown as Bay;
}

const real = (agent: object = {}): Bay => bay({ serial: "/dev/serial/by-id/x" }, agent);
const born = (grpc: string, more: Partial<Announced> = {}): Announced => {
  return { name: "jetson-agent", target: "jetson", grpc, instance: "i1", machine: "another", ...more };
};

test("a simulated target's agent is called where it announces, on this machine", () => {
  const route = agentRoute(bay("simulated", {}), born("127.0.0.1:8001", { machine: bootId() }));
  expect(route).toEqual({ address: "127.0.0.1:8001", instance: "i1" });
});

test("a board's agent is called over TLS with its token, where it announces or where the bay file says", () => {
  const access = { ca: { file: ca, pem: Buffer.from("certificate\n") }, token: { file: token_file, text: "s3cret" } };
  const announced = born("192.0.2.7:8001", { tls: true });
  expect(agentRoute(real({ ca, token_file }), announced)).toEqual({
    ...{ address: "192.0.2.7:8001", instance: "i1" },
    ...access,
  });
  const tunnel = agentRoute(real({ ca, token_file, address: "127.0.0.1:9001" }), born("0.0.0.0:8001", { tls: true }));
  expect(tunnel).toMatchObject({ address: "127.0.0.1:9001", ...access });
});

test.each([
  ["a loopback address", born("127.0.0.1:8001"), /announces 127\.0\.0\.1:8001, which is this machine .*--advertise/],
  ["localhost", born("localhost:8001"), /which is this machine/],
  ["a loopback address of IPv6", born("[::1]:8001"), /which is this machine/],
  ["all addresses", born("0.0.0.0:8001"), /announces 0\.0\.0\.0:8001, which nobody can call: .*--advertise/],
  ["all addresses of IPv6", born("[::]:8001"), /which nobody can call/],
  ["this machine by another name", born("bench.lan:8001", { machine: bootId() }), /runs on this machine/],
  ["nobody in particular", born("192.0.2.7:8001", { instance: undefined }), /does not say which agent it is/],
  ["TLS, and no certificate is known", born("192.0.2.7:8001", { tls: true }), /over TLS: .*`ca: FILE`/],
])("a board's agent that announces %s is refused, with the mend", (_, announced, message) => {
  expect(() => agentRoute(real(), announced)).toThrow(message);
});

test("files that cannot be used are named, and a token's text is not", () => {
  const bad = join(folder, "bad");
  writeFileSync(bad, "two words\n");
  const far = born("192.0.2.7:8001");
  expect(() => agentRoute(real({ ca, token_file: bad }), far)).toThrow(
    `${bad} holds no token: one line of [A-Za-z0-9_-] is wanted`,
  );
  expect(() => agentRoute(real({ ca: join(folder, "gone") }), far)).toThrow(/gone cannot be read: ENOENT/);
});
