import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

const NO_NETWORK = /\b(EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT)\b/;
const NO_ENDPOINT = /\bERR_PNPM_AUDIT_ENDPOINT_NOT_EXISTS\b/;
/** What a registry or a proxy says that has no such endpoint, or none now. */
const NO_ANSWER = /\bERR_PNPM_AUDIT_BAD_RESPONSE\b.* responded with (404|405|501|502|503|504)\b/;

/** Whether an audit's errors say that nobody is there to ask: what else goes wrong is a failure. */
function outOfReach(stderr: string): boolean {
  // pnpm draws a frame around what it says.
  const text = stderr.replace(/[\s×│╰─▶]+/g, " ");
  return [NO_NETWORK, NO_ENDPOINT, NO_ANSWER].some((reason) => reason.test(text));
}

test("no dependency of what is shipped has a known flaw of high severity", ({ skip }) => {
  const args = ["--yes", "pnpm@12.21.0", "audit", "--prod", "--audit-level", "high"];
  const audit = spawnSync("npx", args, { cwd: root, encoding: "utf8", timeout: 60_000 });
  const text = `${audit.stdout}${audit.stderr}`;
  if (audit.error !== undefined || (audit.status !== 0 && outOfReach(audit.stderr))) {
    const why = audit.error?.message ?? text.replace(/\s+/g, " ").slice(0, 160);
    console.warn(`skipped: the registry's audit endpoint does not answer: ${why}`);
    skip("the registry's audit endpoint does not answer");
  }
  expect([audit.status, audit.status === 0 ? "" : text]).toEqual([0, ""]);
});

test.each([
  [
    "Error: ERR_PNPM_AUDIT_BAD_RESPONSE\n\n  × The audit endpoint (at https://r/bulk\n  │ ) responded with 405:\n",
    true,
  ],
  [" ERR_PNPM_AUDIT_ENDPOINT_NOT_EXISTS  The audit endpoint (at https://r/) doesn't exist.", true],
  ["npm error code EAI_AGAIN", true],
  ["Error: ERR_PNPM_AUDIT_NO_LOCKFILE\n\n  × No pnpm-lock.yaml found", false],
  [
    "Error: ERR_PNPM_AUDIT_BAD_RESPONSE\n\n  × The audit endpoint (at https://r/) responded with 400: bad lockfile",
    false,
  ],
  ["1 vulnerabilities found\nSeverity: 1 high", false],
])("an audit that says %j is passed over: %s", (stderr, reach) => {
  expect(outOfReach(stderr)).toBe(reach);
});
