import { type HeaderPad, picoPads } from "../src/controllers/pico.ts";
import type { BoardDesign } from "../src/designs/types.ts";
import type { PinUse } from "../src/types.ts";

const ROW = 27;
const TOP = 124;
const BOARD = { left: 520, width: 170 };
const CENTRE = BOARD.left + BOARD.width / 2;
const WIDTH = 2 * CENTRE;
const ROWS = picoPads.length / 2;
const FONT = "font-family='DejaVu Sans, Verdana, sans-serif'";

/** Kinds of pins with their colours: fill, edge. Dark text is readable on every fill. */
const KINDS = {
  bus: { title: "I2C", fill: "#d6e4ff", edge: "#3b6fd4" },
  converter: { title: "SPI, converter", fill: "#e3dcff", edge: "#7253c8" },
  output: { title: "output", fill: "#ffe0c2", edge: "#d07a1c" },
  input: { title: "input", fill: "#d3f1dc", edge: "#2f9150" },
  free: { title: "free", fill: "#ffffff", edge: "#9aa3ad" },
  ground: { title: "ground", fill: "#d8dce1", edge: "#57606a" },
  power: { title: "supply, reset", fill: "#ffd6d6", edge: "#c23b3b" },
} as const;
type Kind = keyof typeof KINDS;

function kindOf(pad: HeaderPad, use: PinUse | undefined): Kind {
  if (pad.gpio === null) return pad.name.endsWith("GND") ? "ground" : "power";
  if (use === undefined) return "free";
  if (use.direction === "bus") return "bus";
  if (use.function.startsWith("SPI") || use.function.startsWith("CLOCK") || use.name.startsWith("converter")) {
    return "converter";
  }
  return use.direction === "out" ? "output" : "input";
}

const xml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("'", "&apos;");

function text(x: number, y: number, anchor: string, size: number, content: string, extra = ""): string {
  return `<text x='${x}' y='${y}' text-anchor='${anchor}' font-size='${size}' ${extra}>${xml(content)}</text>`;
}

function box(x: number, y: number, width: number, kind: Kind, content: string): string {
  const { fill, edge } = KINDS[kind];
  const middle = x + width / 2;
  return `<rect x='${x}' y='${y - 10}' width='${width}' height='20' rx='4' fill='${fill}' stroke='${edge}'/>${text(middle, y + 4, "middle", 11.5, content)}`;
}

/** One pad with its number, its name, the function it has here and what hangs on it; pads 21 to 40 run upwards on the right. */
function row(pad: HeaderPad, use: PinUse | undefined): string {
  const left = pad.pad <= ROWS;
  const at = left ? pad.pad - 1 : 2 * ROWS - pad.pad;
  const y = TOP + 22 + at * ROW;
  const kind = kindOf(pad, use);
  const out = (distance: number, width: number): number =>
    left ? BOARD.left - distance - width : BOARD.left + BOARD.width + distance;
  const edge = left ? BOARD.left : BOARD.left + BOARD.width;
  const pin = `<rect x='${edge - 9}' y='${y - 7}' width='18' height='14' rx='3' fill='#f2c14e' stroke='#8a6d1d'/>`;
  const number = text(
    left ? BOARD.left + 16 : BOARD.left + BOARD.width - 16,
    y + 4,
    left ? "start" : "end",
    11,
    `${pad.pad}`,
    "fill='#ffffff'",
  );
  const parts = [pin, number, box(out(16, 76), y, 76, kind, pad.name)];
  if (use !== undefined) {
    parts.push(box(out(98, 112), y, 112, kind, use.function === "SIO" ? "GPIO" : use.function));
    parts.push(text(out(218, 0), y + 4, left ? "end" : "start", 12.5, use.use, "fill='#1f2328'"));
  } else if (pad.gpio !== null) {
    parts.push(text(out(98, 0), y + 4, left ? "end" : "start", 12.5, "free", "fill='#57606a'"));
  }
  return parts.join("");
}

/** Colours that the drawing has, and no others. */
function legend(y: number, used: ReadonlySet<Kind>): string {
  const kinds = (Object.keys(KINDS) as Kind[]).filter((kind) => used.has(kind));
  const step = 140;
  const start = CENTRE - (kinds.length * step) / 2;
  return kinds
    .map((kind, n) => {
      const x = start + n * step;
      const { fill, edge, title } = KINDS[kind];
      return `<rect x='${x}' y='${y - 11}' width='16' height='14' rx='3' fill='${fill}' stroke='${edge}'/>${text(x + 22, y, "start", 12, title)}`;
    })
    .join("");
}

/** The module seen from above, USB at the top, with every pad where it is on a real Pico. */
export function pinoutSvg(design: BoardDesign): string {
  const height = TOP + 22 + ROWS * ROW + 64;
  const byPin = new Map(design.pins.map((use) => [use.pin, use]));
  const useOf = (pad: HeaderPad): PinUse | undefined => (pad.gpio === null ? undefined : byPin.get(pad.gpio));
  const rows = picoPads.map((pad) => row(pad, useOf(pad)));
  const title = `${design.title}, revision ${design.revision.toUpperCase()}: pins of the Raspberry Pi Pico`;
  const bodyHeight = 22 + ROWS * ROW;
  return `<svg xmlns='http://www.w3.org/2000/svg' width='${WIDTH}' height='${height}' viewBox='0 0 ${WIDTH} ${height}' ${FONT} role='img' aria-label='${xml(title)}'>
<rect width='${WIDTH}' height='${height}' fill='#ffffff'/>
${text(CENTRE, 34, "middle", 18, title, "font-weight='bold' fill='#1f2328'")}
${text(CENTRE, 56, "middle", 12.5, "Seen from above. Never built in copper.", "fill='#57606a'")}
<rect x='${BOARD.left}' y='${TOP - 6}' width='${BOARD.width}' height='${bodyHeight}' rx='10' fill='#1f6b45' stroke='#0f3d27'/>
<rect x='${CENTRE - 36}' y='${TOP - 30}' width='72' height='44' rx='4' fill='#c8ccd1' stroke='#57606a'/>
${text(CENTRE, TOP - 4, "middle", 11.5, "USB", "fill='#1f2328'")}
<rect x='${CENTRE - 32}' y='${TOP + bodyHeight / 2 - 38}' width='64' height='64' rx='4' fill='#22272e' stroke='#0b0e11'/>
${text(CENTRE, TOP + bodyHeight / 2 - 3, "middle", 11, "RP2040", "fill='#ffffff'")}
${rows.join("\n")}
${legend(height - 22, new Set(picoPads.map((pad) => kindOf(pad, useOf(pad)))))}
</svg>
`;
}
