import { expect, test } from "vitest";
import { processorOf, readEnvironment } from "./environment.ts";

/** As Linux 6 prints them (arch/x86/kernel/cpu/proc.c, arch/arm64/kernel/cpuinfo.c), of the first of several processors. */
const x86 = `processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 142
model name\t: Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz
stepping\t: 10
microcode\t: 0xf4

processor\t: 1
stepping\t: 11
`;
const arm = `processor\t: 0
BogoMIPS\t: 108.00
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 1
`;

test.each([
  ["x86", x86, "Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz, stepping 10"],
  ["Arm", arm, "implementer 0x41 part 0xd0b r4p1"],
  ["nothing that is known", "hart\t: 0\n", null],
])("the processor with its stepping: %s", (_, cpuinfo, name) => {
  expect(processorOf(cpuinfo)).toBe(name);
});

test("what the system tells is there, and text is never empty", () => {
  const seen = readEnvironment();
  expect(seen.memory_bytes).toBeGreaterThan(0);
  expect(seen.kernel).not.toBe("");
  for (const value of Object.values(seen)) expect(value).not.toBe("");
});
