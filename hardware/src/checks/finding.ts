import type { BoardDesign } from "../designs/types.ts";

/** Numbers of the findings, for programs that read them. A number never changes its meaning. */
export const FindingCode = {
  pinTwice: 101,
  pinMissing: 102,
  pinFunction: 103,
  nameTwice: 104,
  bitTwice: 105,
  bitMissing: 106,
  pinUnwired: 107,
  designatorUnknown: 111,
  designatorTwice: 112,
  quantity: 113,
  wireTwice: 114,
  pinsUnlisted: 115,
  pinOpen: 116,
  pinUnknown: 117,
  wireSingle: 118,
  addressTwice: 201,
  addressImpossible: 202,
  busTooFast: 203,
  busPins: 204,
  busSupply: 205,
  busWire: 206,
  pullUpMissing: 211,
  pullUpRise: 212,
  pullUpSink: 213,
  lineLevel: 214,
  shuntRange: 301,
  shuntPower: 302,
  commonMode: 303,
  shuntResolution: 304,
  converterClock: 311,
  sweepTime: 312,
  alertTime: 313,
  connectorRating: 401,
  fuseRating: 402,
  fuseInrush: 403,
  fuseAbove: 404,
  feedRating: 405,
  feedMissing: 406,
  switchVoltage: 411,
  switchGate: 412,
  switchCurrent: 413,
  inrush: 414,
  switchSlew: 415,
  switchOn: 416,
  switchOff: 417,
  gateWiring: 418,
  dischargeTime: 421,
  dischargePower: 422,
  regulatorVoltage: 431,
  regulatorCurrent: 432,
  regulatorOutput: 433,
  crystalLoad: 441,
  hot: 501,
  outputPull: 601,
  outputEnable: 602,
  outputTime: 603,
  bayChannel: 701,
  bayLoad: 702,
  bayCapacitance: 703,
  bayFeed: 704,
  bayValue: 705,
} as const;

export type FindingCode = (typeof FindingCode)[keyof typeof FindingCode];

/** A clash in the data: what it is about, what clashes with what, and how it is mended. */
export interface Finding {
  code: FindingCode;
  board: string;
  /** Part, pin, bus, or channel. */
  subject: string;
  message: string;
  mend: string;
}

/** A figure that a check worked out, with its limit: what pages and the command show of a board that passes. */
export interface Figure {
  check: string;
  subject: string;
  value: string;
  limit: string;
}

/** What a check says of a board. */
export interface Report {
  findings: Finding[];
  figures: Figure[];
}

/** Collects what one check has to say. */
export class Notes implements Report {
  readonly findings: Finding[] = [];
  readonly figures: Figure[] = [];
  readonly board: string;
  readonly check: string;
  constructor(design: Pick<BoardDesign, "name">, check: string) {
    this.board = design.name;
    this.check = check;
  }

  fault(code: FindingCode, subject: string, message: string, mend: string): void {
    this.findings.push({ code, board: this.board, subject, message, mend });
  }

  figure(subject: string, value: string, limit: string): void {
    this.figures.push({ check: this.check, subject, value, limit });
  }
}

/** A number as people write it: three significant digits, no exponent. */
export function digits(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
