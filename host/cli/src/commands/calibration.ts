import { type CalibrationView, calibrationArgs, nominalCalibration, readDocument } from "@mltb/contract";
import { type BayOptions, findBay } from "../client/find-bay.ts";
import { CliError, Exit } from "../errors.ts";
import { action, addBayOptions, type Command } from "../program.ts";

const words: Record<CalibrationView["source"], string> = {
  design: "nominal values of the parts: the board stores no calibration",
  board: "what the board stores",
  unknown: "nominal values of the parts: the board has not said yet what it stores",
};

/** A file that `calibration set` takes, with the factors in use as comments. */
function text(target: string, of: CalibrationView): string {
  const line = (what: string, factor: number, offset: number, unit: string): string =>
    `# ${what}: code x ${factor.toPrecision(7)} ${offset < 0 ? "-" : "+"} ${Math.abs(offset)} ${unit}`;
  return [
    `# ${target}: ${of.damaged ? "the stored calibration fails its checksum and is not used" : words[of.source]}`,
    `# board ${of.board_revision}, ${of.temperature_c === null ? "temperature unknown" : `${of.temperature_c} C`}`,
    line("fast current", of.current_a_per_code, of.current_offset_a, "A"),
    line("monitor current", of.monitor_a_per_code, of.monitor_offset_a, "A"),
    line("voltage", of.voltage_v_per_code, of.voltage_offset_v, "V"),
    ...Object.entries(of.record ?? nominalCalibration).map(([name, value]) => `${name}: ${value}`),
  ].join("\n");
}

/** `mltb calibration get TARGET`, `set TARGET FILE`: the calibration that a target's board stores. */
export function registerCalibration(program: Command): void {
  const calibration = program.command("calibration").description("show or store the calibration of a target's channel");
  const path = (target: string): string => `/api/v1/targets/${encodeURIComponent(target)}/calibration`;

  addBayOptions(
    calibration
      .command("get")
      .description("print the stored calibration as a file that `set` takes, with the factors in use")
      .argument("<target>", "name of the target"),
  ).action(
    action(async (context, target: string, options: BayOptions) => {
      const found = await findBay(options).call<CalibrationView>("GET", path(target));
      context.print(found, () => text(target, found));
      return found.damaged ? Exit.bad : Exit.done;
    }),
  );

  addBayOptions(
    calibration
      .command("set")
      .description("store a calibration on the target's board, for admins; done when the board has read it back")
      .argument("<target>", "name of the target")
      .argument("<file>", "YAML with the record, as `get` prints it; what is not given counts as nominal"),
  ).action(
    action(async (context, target: string, file: string, options: BayOptions) => {
      const read = readDocument(file, calibrationArgs);
      if ("faults" in read) throw new CliError(Exit.usage, read.faults);
      const stored = await findBay(options).call<CalibrationView>("PUT", path(target), read.value);
      context.print(stored, () => text(target, stored));
      return Exit.done;
    }),
  );
}
