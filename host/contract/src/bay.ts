import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { bayAgentSchema, checkBayAgent } from "./bay-agent.ts";
import { channelPolicy, rackPolicy } from "./bay-policy.ts";
import { type Fault, suggest } from "./document/fault.ts";
import { type Loaded, readDocument, sortFaults } from "./document/read.ts";
import { hostPortSchema } from "./host-port.ts";
import { nameSchema } from "./names.ts";
import { z } from "./schema.ts";

const watts = z.number().min(0).max(500);

/** What a simulated target draws; only with simulated boards. */
const loadSchema = z.strictObject({
  /** Power at rest. */
  idle_w: watts,
  /** Added for each busy core of the process that runs the model. */
  cpu_w: watts,
  /** Power while booting; 1.3 x idle where it is not given. */
  boot_w: watts.optional(),
  capacitance_uf: z.number().min(1).max(100_000).optional(),
});

const usbId = z.int().min(0).max(0xffff);

/** Paths that the system gives to USB serial ports in the order in which they come. */
const FLEETING = /^\/dev\/tty(ACM|USB)\d+$/;

const usbSchema = z
  .strictObject({ vid: usbId.optional(), pid: usbId.optional(), serial: z.string().min(1).optional() })
  .refine((usb) => Object.keys(usb).length > 0, "at least one of vid, pid and serial is wanted");
const portFile = z
  .string()
  .min(1)
  .refine((path) => !FLEETING.test(path), "this path changes when boards are plugged in: give usb: { serial: ... }");

const baud = z.int().min(300).max(4_000_000).default(115_200);

/** A target's console: the serial port on which it speaks. */
const consoleSchema = z.union([z.strictObject({ usb: usbSchema, baud }), z.strictObject({ serial: portFile, baud })]);

/** A line of the console (or a prompt, which ends with no line feed) by which the target is ready. */
const readySchema = z.strictObject({
  pattern: z
    .string()
    .min(1)
    .max(200)
    .superRefine((text, context) => {
      try {
        new RegExp(text);
      } catch (error) {
        context.addIssue({ code: "custom", message: (error as Error).message });
      }
    }),
  timeout_s: z.number().min(0.1).max(3600).default(60),
});

const targetSchema = z.strictObject({
  target: nameSchema,
  channel: z.int().min(1).max(8),
  nominal_v: z.literal(5).default(5),
  /** What happens to the target when a lease of it ends. */
  on_lease_end: z.enum(["off", "keep", "reset"]).default("off"),
  ...channelPolicy,
  agent: bayAgentSchema.optional(),
  console: consoleSchema.optional(),
  ready: readySchema.optional(),
  boot: z.strictObject({ duration_ms: z.int().min(10).max(60_000) }).optional(),
  load: loadSchema.optional(),
});

const command = z.array(z.string()).min(1).max(64);

/** Commands that switch power where the electronics are not ours: lists, never a shell; `{target}`, `{channel}` are filled in. */
const execSchema = z.strictObject({
  commands: z.strictObject({
    on: command,
    off: command,
    /** Prints `on` or `off`. */
    status: command.optional(),
    reset: command.optional(),
  }),
  /** A command that takes longer is killed. */
  time_limit_s: z.number().min(0.1).max(120).default(10),
});

const linkSchema = z.union([
  z.literal("simulated"),
  z.strictObject({ usb: usbSchema }),
  z.strictObject({ serial: portFile }),
  z.strictObject({ exec: execSchema }),
  z.strictObject({ serial_number: z.string().min(1) }),
  z.strictObject({ tcp: hostPortSchema }),
]);

const boardSchema = z.strictObject({
  name: nameSchema,
  kind: z.enum(["monitoring", "foreign"]),
  link: linkSchema,
  seed: z.int().min(0).max(0x7fffffff).default(1),
});

/** What a press on the rack's own panel starts; the other presses have a meaning on the board. */
const bindingSchema = z.strictObject({ run: z.string().min(1).describe("experiment file, relative to the bay file") });
const buttonsSchema = z.strictObject({ "up-long": bindingSchema.optional(), "down-long": bindingSchema.optional() });

const rackSchema = z.strictObject({
  rack: nameSchema,
  board: boardSchema,
  buttons: buttonsSchema.optional(),
  ...rackPolicy,
  targets: z.array(targetSchema).min(1).max(8),
});

const baySchema = z.strictObject({ bay: nameSchema, racks: z.array(rackSchema).min(1).max(64) });

export type Bay = z.infer<typeof baySchema>;
export type BayRack = Bay["racks"][number];
export type BayBoard = BayRack["board"];
export type BayTarget = BayRack["targets"][number];

/** What stands in a bay file, valid or not. */
type Loose = Record<string, unknown> | undefined;
const listOf = (value: unknown): Loose[] => (Array.isArray(value) ? (value as Loose[]) : []);

/** Names that stand twice in the bay, and channels that stand twice in a rack; of other values nothing is said here. */
function usedTwice(bay: unknown, fault: Loaded<Bay>["fault"]): Fault[] {
  const faults: Fault[] = [];
  const seen = new Map<string, string>();
  const claim = (name: unknown, path: (string | number)[], what: string): void => {
    if (typeof name !== "string") return;
    const other = seen.get(name);
    if (other !== undefined) {
      faults.push(fault("duplicate-name", path, `${what} ${name}: this name is already a ${other}`));
    }
    seen.set(name, what);
  };
  for (const [r, rack] of listOf((bay as Loose)?.["racks"]).entries()) {
    claim(rack?.["rack"], ["racks", r, "rack"], "rack");
    claim((rack?.["board"] as Loose)?.["name"], ["racks", r, "board", "name"], "board");
    const targets = listOf(rack?.["targets"]);
    const channels = new Map<unknown, unknown>();
    for (const [t, entry] of targets.entries()) {
      const at = ["racks", r, "targets", t];
      const { target, channel } = entry ?? {};
      claim(target, [...at, "target"], "target");
      if (typeof channel !== "number") continue;
      if (channels.has(channel)) {
        const free = [1, 2, 3, 4, 5, 6, 7, 8].filter((n) => !targets.some((other) => other?.["channel"] === n));
        const mend = free.length > 0 ? `free: ${free.join(", ")}` : undefined;
        const text = `channel ${channel} already feeds ${channels.get(channel)}`;
        faults.push(fault("channel-used", [...at, "channel"], text, mend));
      }
      channels.set(channel, target);
    }
  }
  return faults;
}

/** Reads and checks a bay file: names unique in the bay, each channel of a rack used once, loads only when simulated. */
export function readBayFile(file: string): { bay: Bay } | { faults: Fault[] } {
  const read = readDocument(file, baySchema);
  if ("faults" in read) {
    const { faults, parsed } = read;
    return {
      faults: parsed === undefined ? faults : sortFaults([...faults, ...usedTwice(parsed.value, parsed.fault)]),
    };
  }
  const bay = read.value;
  const faults: Fault[] = usedTwice(bay, read.fault);
  const links = new Map<string, string>();
  for (const [r, rack] of bay.racks.entries()) {
    for (const [key, binding] of Object.entries(rack.buttons ?? {})) {
      if (binding === undefined) continue;
      binding.run = resolve(dirname(file), binding.run);
      if (!existsSync(binding.run)) {
        faults.push(read.fault("file-not-found", ["racks", r, "buttons", key, "run"], `${binding.run} not found`));
      }
    }
    const isExec = typeof rack.board.link !== "string" && "exec" in rack.board.link;
    if (isExec !== (rack.board.kind === "foreign")) {
      const text = "a board of kind foreign is switched by commands (link: { exec: ... }), and only such a one";
      faults.push(read.fault("value", ["racks", r, "board", "kind"], text));
    }
    if (rack.board.link !== "simulated" && !isExec) {
      const link = JSON.stringify(rack.board.link);
      const other = links.get(link);
      if (other !== undefined) {
        const text = `board ${rack.board.name}: this link is that of board ${other}`;
        faults.push(read.fault("duplicate-link", ["racks", r, "board", "link"], text));
      }
      links.set(link, rack.board.name);
    }
    for (const [t, target] of rack.targets.entries()) {
      const at = ["racks", r, "targets", t];
      if (rack.board.link === "simulated" && target.load === undefined) {
        faults.push(read.fault("missing", at, `target ${target.target} needs a load, because its board is simulated`));
      }
      if (target.ready !== undefined && target.console === undefined && rack.board.link !== "simulated") {
        const text = `target ${target.target} has a ready condition and no console that could fulfil it`;
        faults.push(read.fault("missing", [...at, "ready"], text, "add console: { usb: { serial: ... } }"));
      }
      if (rack.board.link !== "simulated" && target.load !== undefined) {
        faults.push(read.fault("value", [...at, "load"], "a load only goes with a simulated board", "remove it"));
      }
      const simulated = rack.board.link === "simulated";
      for (const { key, code, message, mend } of target.agent ? checkBayAgent(target.agent, simulated, file) : []) {
        faults.push(read.fault(code, [...at, "agent", key], message, mend));
      }
    }
  }
  if (faults.length > 0) return { faults: sortFaults(faults) };
  for (const { board, targets } of bay.racks) {
    // Like every path of a file, that of a port is relative to the file.
    for (const { console } of targets) {
      if (console !== undefined && "serial" in console) console.serial = resolve(dirname(file), console.serial);
    }
    if (typeof board.link !== "string" && "serial" in board.link) {
      board.link = { serial: resolve(dirname(file), board.link.serial) };
    }
  }
  return { bay };
}

/** Every target of a bay with its rack. */
export function bayTargets(bay: Bay): { rack: BayRack; target: BayTarget }[] {
  return bay.racks.flatMap((rack) => rack.targets.map((target) => ({ rack, target })));
}

/** The mend for an unknown target name. */
export function suggestTarget(bay: Bay, name: string): string | undefined {
  return suggest(
    name,
    bayTargets(bay).map(({ target }) => target.target),
  );
}
