import type { RecordingDocument } from "../runner/bay-api.ts";

const WIDTH = 960;
const HEIGHT = 260;
const LEFT = 64;
const RIGHT = 16;
const TOP = 16;
const BOTTOM = 40;

function niceStep(range: number, count: number): number {
  const raw = range / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((m) => m * power >= raw) ?? 10;
  return step * power;
}

function ticks(low: number, high: number, count: number): number[] {
  const step = niceStep(high - low || 1, count);
  const out: number[] = [];
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9; value += step)
    out.push(Number(value.toPrecision(12)));
  return out;
}

/**
 * Lowest and highest value of each pixel column, so that no peak of the trace disappears. A column begins where the one before
 * ended, so that a step between two samples is a line.
 */
function envelope(values: number[], columns: number): { low: number; high: number }[] {
  const out: { low: number; high: number }[] = [];
  for (let c = 0; c < columns; c += 1) {
    const from = Math.floor((c * values.length) / columns);
    const to = Math.max(from + 1, Math.floor(((c + 1) * values.length) / columns));
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = Math.max(0, from - 1); i < to && i < values.length; i += 1) {
      low = Math.min(low, values[i] as number);
      high = Math.max(high, values[i] as number);
    }
    if (low <= high) out.push({ low, high });
  }
  return out;
}

/** The current trace of a recording as SVG, with the measuring windows shaded and numbered. */
export function tracePlot(recording: RecordingDocument): string {
  const { first_tick_us, period_us, current_a } = recording.trace;
  if (current_a.length < 2) return "<p>No samples were recorded.</p>";
  const duration_s = (current_a.length * period_us) / 1e6;
  const top = current_a.reduce((a, b) => Math.max(a, b), 0) * 1.1 || 1;
  const x = (s: number): number => LEFT + (s / duration_s) * (WIDTH - LEFT - RIGHT);
  const y = (a: number): number => TOP + (1 - a / top) * (HEIGHT - TOP - BOTTOM);
  const at = (tick: number): number => (tick - first_tick_us) / 1e6;
  const f = (value: number): string => value.toFixed(1);

  const windows = recording.windows
    .map((window, i) => {
      const from = x(at(window.start_tick));
      const to = x(at(window.stop_tick));
      return (
        `<rect class="win" x="${f(from)}" y="${TOP}" width="${f(to - from)}" height="${HEIGHT - TOP - BOTTOM}"/>` +
        `<text class="num" x="${f((from + to) / 2)}" y="${TOP + 12}">${i + 1}</text>`
      );
    })
    .join("");
  const columns = Math.min(current_a.length, WIDTH - LEFT - RIGHT);
  const points = envelope(current_a, columns);
  const px = (i: number): number => LEFT + ((i + 0.5) / points.length) * (WIDTH - LEFT - RIGHT);
  const area =
    points.map((p, i) => `${i === 0 ? "M" : "L"}${f(px(i))} ${f(y(Math.max(0, p.high)))}`).join("") +
    [...points]
      .reverse()
      .map(
        (p, i) =>
          `L${f(px(points.length - 1 - i))} ${f(Math.max(y(Math.max(0, p.low)), y(Math.max(0, p.high)) + 0.8))}`,
      )
      .join("") +
    "Z";
  const axisX = ticks(0, duration_s, 8)
    .map((s) => `<text class="tick mid" x="${f(x(s))}" y="${HEIGHT - BOTTOM + 16}">${s}</text>`)
    .join("");
  const axisY = ticks(0, top, 5)
    .map(
      (a) =>
        `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${f(y(a))}" y2="${f(y(a))}"/>` +
        `<text class="tick end" x="${LEFT - 6}" y="${f(y(a) + 4)}">${a}</text>`,
    )
    .join("");
  return (
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Current over time with the measuring windows">` +
    `${axisY}${windows}<path class="trace" d="${area}"/>${axisX}` +
    `<text class="tick mid" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 6}">time in s</text>` +
    `<text class="tick mid" transform="translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)">current in A</text></svg>`
  );
}
