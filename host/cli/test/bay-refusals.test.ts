import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { example, type Running, run, start } from "./mltb.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-refusals-"));
const state = join(folder, "state");
const up = (...more: string[]): string[] => ["up", "--bay", example("demo-bay.yml"), "--http", "127.0.0.1:0", ...more];
let bay: Running;

beforeAll(async () => {
  bay = await start(...up("--mqtt", "127.0.0.1:0", "--state", state, "--json"));
});
afterAll(async () => {
  expect(await bay.end()).toBe(0);
  rmSync(folder, { recursive: true });
});

/** The one fault of a command that was to print JSON. */
const faultOf = (out: string): { code: string; message: string; suggestion?: string } => {
  const { errors } = JSON.parse(out) as { errors: ReturnType<typeof faultOf>[] };
  expect(errors).toHaveLength(1);
  return errors[0] as ReturnType<typeof faultOf>;
};

test("up --broker with a wrong password: the broker, the user and the mend are named, the password is not, and no bay comes up", async () => {
  const broker = bay.ready["mqtt"] as string;
  const other = join(folder, "other");
  const file = join(folder, "password");
  writeFileSync(file, "certainly-wrong\n");
  const login = ["--broker-user", "operator", "--broker-password-file", file];
  const ended = await run(...up("--broker", broker, ...login, "--state", other, "--json"));
  expect(ended.code).toBe(4);
  const { code, message, suggestion } = faultOf(ended.out);
  expect(code).toBe("broker-unreachable");
  expect(message).toBe(
    `the MQTT broker ${broker} does not take the login of operator: Connection refused: Bad username or password`,
  );
  expect(suggestion).toContain("--broker-password-file");
  expect(ended.out + ended.err).not.toContain("certainly-wrong");
  expect(existsSync(join(other, "bay.json"))).toBe(false);

  const anonymous = await run(...up("--broker", broker, "--state", other, "--json"));
  expect([anonymous.code, faultOf(anonymous.out).message]).toEqual([
    4,
    `the MQTT broker ${broker} does not take a login without a user: Connection refused: Bad username or password`,
  ]);
  const missing = await run(
    ...up("--broker", broker, "--broker-password-file", `${file}s`, "--state", other, "--json"),
  );
  expect([missing.code, faultOf(missing.out).message]).toEqual([4, expect.stringContaining(`${file}s cannot be read`)]);
  // The bay whose broker it is has noticed nothing.
  expect((await run("status", "--state", state)).code).toBe(0);
}, 120_000);

test("state backup into a folder that is not there: a clear error, nothing is made, and the store is as it was", async () => {
  expect((await run("power", "on", "spare-3", "--state", state)).code).toBe(0);
  const nowhere = join(folder, "nowhere");
  const before = readFileSync(join(state, "state.db"));
  const ended = await run("state", "backup", join(nowhere, "copy.db"), "--state", state, "--json");
  expect(ended.code).toBe(2);
  expect(faultOf(ended.out)).toEqual({
    code: "malformed",
    message: `folder ${nowhere} not found`,
    suggestion: "make it first",
  });
  expect(existsSync(nowhere)).toBe(false);
  expect(readFileSync(join(state, "state.db")).equals(before)).toBe(true);
  expect(readdirSync(folder).filter((name) => name.includes("copy"))).toEqual([]);
  // And where there is one, it is made.
  const copied = await run("state", "backup", join(folder, "copy.db"), "--state", state, "--json");
  expect([copied.code, JSON.parse(copied.out).file]).toEqual([0, join(folder, "copy.db")]);
  const none = await run("state", "backup", join(folder, "c.db"), "--state", join(folder, "empty"), "--json");
  expect([none.code, faultOf(none.out).message]).toEqual([2, `${join(folder, "empty", "state.db")} not found`]);
  expect(existsSync(join(folder, "empty"))).toBe(false);
}, 120_000);
