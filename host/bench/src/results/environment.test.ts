import { expect, test } from "vitest";
import { environmentWarnings, type SeenEnvironment } from "./environment.ts";

const calm: SeenEnvironment = {
  governor: "performance",
  load_1m: 0.1,
  cores: 4,
  temperature_c: 50,
  allowed_cpus: "2-3",
};

test.each<[string, SeenEnvironment, SeenEnvironment, number | null, RegExp[]]>([
  ["nothing to warn of", calm, calm, 0, []],
  ["an agent that tells nothing", {}, {}, null, []],
  ["calls while it measured", calm, calm, 3, [/^3 calls/]],
  ["a governor that changes the clock", { ...calm, governor: "schedutil" }, calm, 0, [/^frequency governor schedutil/]],
  ["other work", { ...calm, load_1m: 2.1 }, calm, 0, [/^load 2\.10 on 4 cores/]],
  [
    "other work that came meanwhile",
    calm,
    { ...calm, load_1m: 4.1 },
    0,
    [/^load 4\.10 on 4 cores after .*, 2 of it measured/],
  ],
  ["what was measured is no other work", calm, { ...calm, load_1m: 4 }, 0, []],
  ["other work before and after", { ...calm, load_1m: 3 }, { ...calm, load_1m: 9 }, 0, [/^load 3\.00 .* before/]],
  ["no pinning", { ...calm, allowed_cpus: "0-1,2,3" }, calm, 0, [/^not pinned: .* 4 cores/]],
  ["one core needs no pinning", { ...calm, cores: 1, allowed_cpus: "0" }, calm, 0, []],
  ["heat", { ...calm, temperature_c: 80 }, { ...calm, temperature_c: 86 }, 0, [/^86 degrees/]],
  ["warming", calm, { ...calm, temperature_c: 61 }, 0, [/^it warmed by 11 K/]],
])("environment: %s", (_name, before, after, requests, expected) => {
  const warnings = environmentWarnings(before, after, requests, 2);
  expect(warnings).toHaveLength(expected.length);
  for (const [i, pattern] of expected.entries()) expect(warnings[i]).toMatch(pattern);
});
