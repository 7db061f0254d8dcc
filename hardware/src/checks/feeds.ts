import type { BoardDesign, Feed, PowerPath } from "../designs/types.ts";
import { digits, FindingCode, type Notes } from "./finding.ts";
import { continuous_a } from "./fuses.ts";

/** The channels that a feed can feed. */
const fedBy = (design: BoardDesign, feed: Feed): PowerPath[] =>
  design.paths.filter((path) => path.supply.nominal_v === feed.supply.volts);

const rated = (paths: PowerPath[]): number => paths.reduce((total, { limits }) => total + limits.rated_a, 0);

/** Current of a feed's channels at their rating, and what the board itself draws from it. */
export function feedCurrent_a(design: BoardDesign, feed: Feed): number {
  return rated(fedBy(design, feed)) + feed.own.ampere;
}

/** Connector, supply and fuses of every feed against what its channels and the board draw; every class of channels has a feed. */
export function checkFeeds(design: BoardDesign, notes: Notes): void {
  for (const feed of design.feeds) checkFeed(design, feed, notes);
  const unfed = new Set(
    design.paths
      .filter(({ supply }) => !design.feeds.some((feed) => feed.supply.volts === supply.nominal_v))
      .map(({ supply }) => supply.name),
  );
  for (const name of unfed) {
    notes.fault(FindingCode.feedMissing, `class of ${name}`, "no feed has this voltage", "add a feed for the class");
  }
}

function checkFeed(design: BoardDesign, feed: Feed, notes: Notes): void {
  const { name, connector, fuse, supply, own, branches } = feed;
  const fed = fedBy(design, feed);
  const fault = (message: string, mend: string): void => notes.fault(FindingCode.feedRating, name, message, mend);
  const all = feedCurrent_a(design, feed);
  const limit = Math.min(connector.rated_a, supply.rated_a);
  if (fed.length > 0) {
    notes.figure(name, `${digits(all)} A for ${fed.length} channels and the board`, `${digits(limit)} A`);
  }
  // A feed that is empty in this fitting is wired all the same.
  const volts = Math.max(supply.volts, ...fed.map((path) => path.supply.max_v));
  for (const part of own.fuse === null ? [fuse] : [fuse, own.fuse]) {
    if (volts <= Math.min(connector.max_v, part.max_v)) continue;
    const message = `it brings up to ${volts} V, connector ${connector.part} bears ${connector.max_v} V and fuse ${part.part} breaks ${part.max_v} V`;
    fault(message, "fit parts for a higher voltage");
  }
  // Several fuses open above more than one, but no more comes than the supply gives.
  const lets = Math.max(fuse.rated_a, Math.min(fuse.rated_a * branches.length, supply.rated_a));
  if (lets > connector.rated_a) {
    const message = `${branches.length} x fuse ${fuse.part} let ${lets} A through, connector ${connector.part} before them bears ${connector.rated_a} A`;
    notes.fault(FindingCode.fuseAbove, name, message, "fit fuses below the connector's rating");
  }
  if (all > limit) {
    const message = `${fed.length} channels and the board draw ${digits(all)} A, connector ${connector.part} and ${supply.part} together carry ${digits(limit)} A`;
    fault(message, "fit stronger parts or lower rated_a");
  }
  checkBranches(feed, fed, design.ambient_c, notes);
  if (own.fuse === null) return;
  const bears = continuous_a(own.fuse, design.ambient_c);
  const ofBoard = `fuse ${own.fuse.part} of the board in air of ${design.ambient_c} C`;
  notes.figure(`${name}, ${ofBoard}`, `${digits(own.ampere)} A`, `${digits(bears)} A continuous`);
  if (own.ampere > bears) {
    const message = `the board itself draws ${digits(own.ampere)} A through fuse ${own.fuse.part}, which carries ${digits(bears)} A for ever in air of ${design.ambient_c} C`;
    fault(message, "fit a stronger fuse for the board");
  }
}

/** Each channel is behind one fuse of its feed, and no fuse has more behind it than it carries for ever. */
function checkBranches({ name, fuse, own, branches }: Feed, fed: PowerPath[], ambient_c: number, notes: Notes): void {
  for (const { channel } of fed) {
    const count = branches.flat().filter((behind) => behind === channel).length;
    if (count === 1) continue;
    const message = `channel ${channel} stands behind ${count} of its fuses`;
    notes.fault(FindingCode.feedMissing, name, message, "put each channel behind one fuse");
  }
  if (fed.length === 0) return;
  const behind = branches.map((channels) => fed.filter(({ channel }) => channels.includes(channel)));
  const fullest = behind.reduce((most, paths) => (rated(paths) > rated(most) ? paths : most), []);
  // Without a fuse of its own the board hangs behind one of those of the channels.
  const drawn_a = rated(fullest) + (own.fuse === null ? own.ampere : 0);
  const carries_a = continuous_a(fuse, ambient_c);
  const who = `${fullest.length} channels${own.fuse === null ? " and the board" : ""}`;
  const air = `in air of ${ambient_c} C`;
  notes.figure(
    `${name}, fuse ${fuse.part} ${air}`,
    `${digits(drawn_a)} A for ${who}`,
    `${digits(carries_a)} A continuous`,
  );
  if (drawn_a <= carries_a) return;
  const message = `${who} draw ${digits(drawn_a)} A through fuse ${fuse.part}, which carries ${digits(carries_a)} A for ever ${air}`;
  const mend = "fit stronger fuses or more of them, give the board its own, or lower rated_a";
  notes.fault(FindingCode.feedRating, name, message, mend);
}
