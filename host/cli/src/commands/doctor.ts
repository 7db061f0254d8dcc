import { bayTargets, readBayFile } from "@mltb/contract";
import { runningBay, stateFolder } from "../bay/state.ts";
import { type BayOptions, findBay } from "../client/find-bay.ts";
import type { Finding } from "../doctor/checks.ts";
import * as checks from "../doctor/checks.ts";
import { CliError, Exit, faultLine } from "../errors.ts";
import { action, addBayOptions, type Command } from "../program.ts";
import { defaultPorts } from "./up.ts";

/** What a bay file asks of this machine. */
async function bayFindings(file: string): Promise<Finding[]> {
  const read = readBayFile(file);
  if ("faults" in read) {
    return read.faults.map((fault) => ({
      check: "bay file",
      state: "fault" as const,
      detail: faultLine(fault).replace(/ \(.*\)$/, ""),
      ...(fault.suggestion === undefined ? {} : { mend: fault.suggestion }),
    }));
  }
  const { bay } = read;
  const { bayPorts, findPort } = await import("@mltb/supervisor");
  const ports = bayPorts(bay);
  const found: Finding[] = [{ check: "bay file", state: "ok", detail: `${file}: bay ${bay.bay}` }];
  for (const { board } of bay.racks) {
    if (board.link === "simulated" || "exec" in board.link) continue;
    if ("tcp" in board.link) found.push(await checks.reachable(`board ${board.name}`, `tcp://${board.link.tcp}`));
    else found.push(await portFinding(`board ${board.name}`, findPort(board.link, ports)));
  }
  for (const { target } of bayTargets(bay)) {
    if (target.console !== undefined) {
      found.push(await portFinding(`console of ${target.target}`, findPort(target.console, ports)));
    }
  }
  return found;
}

async function portFinding(check: string, path: Promise<string>): Promise<Finding> {
  try {
    return checks.access(check, await path);
  } catch (error) {
    const mend = "plug it in; `mltb doctor` without --bay lists what is there";
    return { check, state: "fault", detail: (error as Error).message, mend };
  }
}

/** What the bay that is up says of itself. */
async function upFindings(options: BayOptions): Promise<Finding[]> {
  const state = runningBay(stateFolder(options.state));
  if (state === undefined) {
    return [
      { check: "bay", state: "ok", detail: "none is up" },
      await checks.listener("http", defaultPorts.http),
      await checks.listener("mqtt", defaultPorts.mqtt),
    ];
  }
  const found = [await checks.reachable("broker", state.mqtt)];
  try {
    const health = await findBay(options).call<{ boards: { name: string; lifecycle: string }[] }>(
      "GET",
      "/api/v1/health",
    );
    for (const { name, lifecycle } of health.boards) {
      found.push(
        lifecycle === "ready"
          ? { check: `board ${name}`, state: "ok", detail: lifecycle }
          : { check: `board ${name}`, state: "warning", detail: lifecycle, mend: `mltb trace ${name} shows its link` },
      );
    }
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const mend = "is the process that holds it alive?";
    found.push({ check: "bay", state: "fault", detail: error.message, mend });
  }
  return found;
}

/** `mltb doctor`: what keeps this machine or a bay from working, and the mend. */
export function registerDoctor(program: Command): void {
  addBayOptions(
    program
      .command("doctor")
      .description("look for what keeps this machine or a bay from working, and tell the mend; changes nothing")
      .option("--bay <file>", "also look for the boards and consoles of this bay file"),
  ).action(
    action(async (context, options: BayOptions & { bay?: string }) => {
      const { listUsbPorts } = await import("@mltb/supervisor");
      const findings: Finding[] = [
        ...checks.versions(),
        ...checks.packages(),
        ...checks.udev(),
        ...checks.usbPorts(await listUsbPorts().catch(() => [])),
        ...checks.stateFolder(stateFolder(options.state)),
        ...(await upFindings(options)),
        ...(options.bay === undefined ? [] : await bayFindings(options.bay)),
      ];
      const faults = findings.filter((finding) => finding.state === "fault").length;
      context.print({ schema: "mltb.doctor/1", ok: faults === 0, findings }, () => {
        const marks = { ok: "   ok", warning: " warn", fault: "FAULT" };
        const rows = findings.flatMap(({ check, state, detail, mend }) => [
          `${marks[state]}  ${check}: ${detail}`,
          ...(mend === undefined ? [] : [`       ${mend}`]),
        ]);
        return [...rows, faults === 0 ? "nothing keeps it from working" : `${faults} faults`].join("\n");
      });
      return faults === 0 ? Exit.done : Exit.bad;
    }),
  );
}
