import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bay, readBayFile } from "@mltb/contract";
import { expect, onTestFinished, test } from "vitest";
import type { Experiment } from "../configurator/types.ts";
import { withoutCommands } from "./without-commands.ts";

const PASSWORD = "strip-password-3f1b";
const text = `bay: b
racks:
  - rack: r1
    board: { name: b1, kind: monitoring, link: simulated }
    targets: [{ target: t1, channel: 1, load: { idle_w: 1, cpu_w: 0 } }]
  - rack: r2
    board:
      name: strip
      kind: foreign
      link:
        exec:
          time_limit_s: 4
          commands:
            on: [curl, --user, "admin:${PASSWORD}", "http://strip/{channel}/on"]
            off: [curl, --user, "admin:${PASSWORD}", "http://strip/{channel}/off"]
            reset: [other, "${PASSWORD}"]
    targets: [{ target: lamp, channel: 1 }]
`;

function bayOf(content: string): Bay {
  const folder = mkdtempSync(join(tmpdir(), "mltb-commands-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "bay.yml"), content);
  const read = readBayFile(join(folder, "bay.yml"));
  if ("faults" in read) throw new Error(read.faults[0]?.message);
  return read.bay;
}

test("what is kept of a bay has the programs of its commands without their arguments, and all else as it was", () => {
  const bay = bayOf(text);
  const before = structuredClone(bay);
  const [kept] = withoutCommands([{ name: "e", bay } as Experiment]);
  expect(JSON.stringify(kept)).not.toContain(PASSWORD);
  const [monitoring, strip] = before.racks as [Bay["racks"][0], Bay["racks"][0]];
  const commands = { on: ["curl"], off: ["curl"], reset: ["other"] };
  const link = { exec: { time_limit_s: 4, commands } };
  expect(kept).toEqual({
    name: "e",
    bay: { bay: "b", racks: [monitoring, { ...strip, board: { ...strip.board, link } }] },
  });
  // The bay itself goes on with its commands.
  expect(bay).toEqual(before);
});
