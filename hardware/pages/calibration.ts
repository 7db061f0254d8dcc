import { messageNamed } from "@mltb/protocol";
import { monitoringBoard as board } from "../src/boards/monitoring.ts";
import { monitoringPower } from "../src/boards/monitoring-power.ts";
import { digits } from "../src/checks/finding.ts";
import { ampsPerCode, monitorAmpsPerCode } from "../src/convert.ts";
import { monitoringDesign } from "../src/designs/monitoring.ts";
import { INA226 } from "../src/parts/ina226.ts";
import { BUS_VOLTAGE_ERRORS, FAST_CURRENT_ERRORS } from "../src/parts/measurement-errors.ts";
import { page, table } from "./markdown.ts";

/** Shares of the rated current at which a channel is compared with a meter. */
const POINTS = [0, 0.1, 0.25, 0.5, 0.75, 0.95];
/** Largest gain that the record's field holds. */
const GAIN_MOST = 0.032;

/** Sentences for the fields of `calibration_set`; one that is missing here is a fault of this page. */
const FIELDS: Record<string, string> = {
  channel: "channel, from 1",
  voltage_ppm: "gain of the voltage (a - 1), parts per million",
  voltage_100uv: "offset of the voltage (b), 100 uV",
  current_ppm: "gain of the INA226's current, parts per million",
  current_10ua: "offset of the INA226's current, 10 uA",
  fast_ppm: "gain of the fast chain, parts per million",
  fast_10ua: "offset of the fast chain, 10 uA",
  drift_ppm_k: "drift of both currents' gain, parts per million a kelvin",
  at_10mc: "temperature of the calibration, hundredths of a degree Celsius",
  check: "16-bit complement that guards the request",
};

function fieldMeaning(name: string): string {
  const meaning = FIELDS[name];
  if (meaning === undefined) throw new Error(`hardware/pages/calibration.ts says nothing of calibration_set's ${name}`);
  return meaning;
}

/** The procedure by which a board's errors are measured; its limits and currents come from the data. */
export function calibrationPage(): string {
  const { limits } = board;
  const channel = board.channels[0];
  if (channel === undefined) throw new Error("the monitoring board has no channel");
  const message = messageNamed("calibration_set");
  if (message === undefined) throw new Error("the message table has no calibration_set");
  // A channel whose gain is still uncorrected must not reach its slow limit.
  if (Math.max(...POINTS) * (1 + GAIN_MOST) > 1) throw new Error("the highest point of the calibration may trip");
  const points = POINTS.map((share) => [
    `${digits(share * limits.rated_a)} A`,
    `${Math.round((share * limits.rated_a) / ampsPerCode(board, channel))}`,
    `${Math.round((share * limits.rated_a) / monitorAmpsPerCode(channel))}`,
  ]);
  const residuals = [...FAST_CURRENT_ERRORS, ...BUS_VOLTAGE_ERRORS].map(({ term, half_width, unit, source }) => [
    term,
    unit === "relative"
      ? `${digits(half_width * 100)} %`
      : `${digits(half_width * 1000)} m${unit === "ampere" ? "A" : "V"}`,
    source,
  ]);
  const volts = [0, 0.5, 1].map((share) => `${digits(share * board.nominal_v)} V`).join(", ");
  return page(
    "Calibration of a monitoring board",
    `**State:** ${monitoringDesign.copper} This procedure has not been carried out on a board; simulated boards draw their errors from the distributions below.`,
    "A channel has two currents and one voltage. Each is corrected by an offset, a gain and a temperature coefficient. What stays after that goes into the uncertainty of every result (`hardware/src/parts/measurement-errors.ts`), so a board whose residuals are larger must not be used with these data.",
    "## What is needed\n\n* A meter of 5.5 digits in series with the load: 0.05 % or better at 3 A.\n* An electronic load or fixed resistors for the points below; 15 W.\n* A supply of the channel's class, and half an hour of warm-up with the board powered.\n* The board at the bay's host, with a target on each channel: `npx mltb up --bay FILE`.",
    `## Reading\n\n* *INA226*: \`npx mltb trace BOARD | grep "channel_state channel=N "\` shows the last ten seconds of channel N, a line a second; \`current_ua\` and \`voltage_mv\` are the monitor's.\n* *Fast chain*: ten seconds of \`GET /api/v1/targets/TARGET/samples\`, a block a line; the mean of all \`current_a\`. \`npx mltb measure\` shows its last block alone.\n\nBoth are corrected by what the board stores. Where \`npx mltb calibration get TARGET\` prints gains, offsets or a drift other than 0, store 0 in their place first: the lines below are those of the parts.`,
    "## Before\n\n1. `npm run -s hardware -- check` finds no clash for the board's revision.\n2. Every channel proves off with nothing plugged in: `npx mltb power off TARGET`.\n3. The board's temperature (`npx mltb health TARGET`) has moved less than 1 K in ten minutes.",
    `## Current\n\nFor each channel: plug the meter and the load in series into J1 to J8, switch on, and at each point note the meter and both currents as the mean of ten seconds. The highest point stays below the rating, because a gain that is still uncorrected may read ${digits(100 * GAIN_MOST)} % too much, and above ${limits.rated_a} A for ${limits.slow_ms} ms the slow limit opens the switch: the fault \`over-current\`, which \`npx mltb faults TARGET --rearm\` clears. Switch off between points of more than half of the rating, so that the shunt is not warmer than in use.\n\n${table(["meter", "fast chain, code", "INA226 shunt register, code"], points)}`,
    `1. *Zero*: at 0 A with the switch closed both readings must be below ${digits(limits.off_below_a * 1000)} mA, or off cannot be proved: look for solder flux before going on.\n2. *Line*: for each of the two currents, the straight line *meter = a x reading + b* through all points by least squares. The gain is a - 1 in parts per million, the offset is b.\n3. *Temperature*: repeat the point at half of the rating with the board 20 K warmer (a box over the rack). The change of the gain over the change of the TMP105 is the drift in parts per million a kelvin; the temperature of step 2 is kept beside it.\n4. *Both currents together*: at every point they differ by less than ${digits(100 * (INA226.gain_error + 0.002))} % and ${digits((1000 * INA226.shunt_offset_v) / channel.shunt_ohm)} mA after correction. A channel where they differ by more must not be used with these data: the board itself says \`sensor-drift\` beyond ${limits.drift_ma} mA only.`,
    `## Voltage\n\nNo load, and first \`npx mltb power off-floating TARGET\`: a channel that is off and discharged says \`off-unproved\` when more than 0.5 V is fed in, and its resistor draws ${digits(board.nominal_v / monitoringPower.discharge_ohm)} A. Then ${volts} from a bench supply at J1 to J8, with the meter at the connector. Take the supply away before \`npx mltb power off TARGET\`; where the fault has come all the same, \`npx mltb faults TARGET --rearm\` clears it. One code is ${INA226.bus_lsb_v * 1000} mV. The same straight line; the voltage has no drift of its own.`,
    `## What may stay\n\nAfter correction, checked at points that the fit did not use (a third and two thirds of the rating):\n\n${table(["term", "half width or standard deviation", "where it comes from"], residuals)}`,
    "## Storing\n\n`npx mltb calibration get TARGET > FILE` writes the numbers that the board stores for a channel (nominal ones where it stores none) as a file, with the factors in use as comments. Put in those of the lines above and store them: `npx mltb calibration set TARGET FILE`. It takes an admin and the target's lease where somebody holds one, is written to the audit log, and is done when the board has read the record back. Streams rest for that moment; while a recording is under way it is refused. Over HTTP it is `PUT /api/v1/targets/T/calibration`, over gRPC `SetCalibration`; what is in use stands retained on `target/T/state/calibration`.",
    `## On the wire\n\nThe message \`calibration_set\` (${message.names.length} fields, protocol/README.md) carries the numbers of one channel to the board.`,
    table(
      ["field", "what it is"],
      message.names.map((name) => [`\`${name}\``, fieldMeaning(name)]),
    ),
    "What is read becomes reading x (1 + gain) + offset; both currents' gains move with the board's temperature by the drift. A gain beyond 3.2 % does not fit its field: such a shunt is the wrong one. `calibration_get` reads the numbers back, with `valid` 1 for stored, 0 for none, 2 for stored but damaged and therefore not used. The board keeps them with a checksum; without valid ones it works with gain 1 and offset 0. Samples of the fast chain and monitor blocks travel as codes; the supervisor corrects them by the same formula.",
  );
}
