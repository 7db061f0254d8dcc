import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const cli = new URL("cli.ts", import.meta.url).pathname;

test.each([["image", "nosuch"], ["frob"], ["size", "--bogus"], ["build", "nosuch"]])(
  "wrong usage of `npm run firmware` exits 2 with an error: %s %s",
  (...args) => {
    const run = spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" });
    expect(run.stderr).toMatch(/^error: /m);
    expect(run.stdout).toBe("");
    expect(run.status).toBe(2);
  },
);

test("wrong usage with --json is a document on standard output", () => {
  const run = spawnSync(process.execPath, [cli, "build", "nosuch", "--json"], { encoding: "utf8" });
  expect(JSON.parse(run.stdout)).toEqual({ errors: [{ code: "usage", message: expect.stringContaining("nosuch") }] });
  expect(run.status).toBe(2);
});

test("help exits 0", () => {
  expect(spawnSync(process.execPath, [cli, "--help"], { encoding: "utf8" }).status).toBe(0);
});
