import { readFileSync } from "node:fs";
import { isNode, LineCounter, parseDocument } from "yaml";
import type { BayPath } from "../src/checks/bay.ts";
import type { BayWiring } from "../src/designs/rack.ts";

/** A file that is no bay at all: 1 not found, 2 not YAML, 3 without racks and targets. */
export class BayFileError extends Error {
  readonly code: 1 | 2 | 3;
  constructor(code: 1 | 2 | 3, message: string) {
    super(message);
    this.code = code;
  }
}

/** Wiring of a bay file, and where in the file a value stands. */
export interface BayFile {
  bay: BayWiring;
  place(path: BayPath): { line: number; column: number };
}

function isWiring(value: unknown): value is BayWiring {
  const bay = value as Partial<BayWiring> | null;
  if (typeof bay?.bay !== "string" || !Array.isArray(bay.racks)) return false;
  return bay.racks.every(
    (rack) =>
      typeof rack?.rack === "string" &&
      typeof rack.board?.name === "string" &&
      Array.isArray(rack.targets) &&
      rack.targets.every((target) => typeof target?.target === "string"),
  );
}

/**
 * Reads what the hardware can judge of a bay file. The whole schema is the host's (`mltb check`); here a file only has to
 * have racks with targets on channels.
 */
export function readBay(file: string): BayFile {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new BayFileError(1, `${file} not found: name a bay file, such as examples/demo-bay.yml`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: "error" });
  const [fault] = document.errors;
  if (fault !== undefined) {
    const at = fault.linePos?.[0];
    throw new BayFileError(2, `${file}:${at?.line ?? 1}:${at?.col ?? 1}: error: ${fault.message.split("\n")[0]}`);
  }
  const tag = document.warnings.find(({ code }) => code === "TAG_RESOLVE_FAILED");
  if (tag !== undefined) {
    const at = tag.linePos?.[0];
    throw new BayFileError(
      2,
      `${file}:${at?.line ?? 1}:${at?.col ?? 1}: error: tags such as !include are not followed here; name a file without them`,
    );
  }
  const bay: unknown = document.toJS();
  if (!isWiring(bay)) {
    throw new BayFileError(
      3,
      `${file}:1:1: error: no bay with racks and targets: \`npx mltb check ${file}\` names every fault`,
    );
  }
  return {
    bay,
    place(path) {
      // What is missing has no place of its own: the nearest thing around it that is there stands for it.
      let node: unknown;
      for (let depth = path.length; depth > 0 && !isNode(node); depth -= 1) {
        node = document.getIn(path.slice(0, depth), true);
      }
      const at = lines.linePos((isNode(node) ? node.range?.[0] : undefined) ?? 0);
      return { line: at.line, column: at.col };
    },
  };
}
