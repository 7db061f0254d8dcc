import type { RP2040, Simulator } from "rp2040js";

/** A full-speed bulk packet of 64 bytes with its overhead: at most 19 fit a frame of 1 ms (USB 2.0, table 5-9). */
const PACKET_NS = 1e6 / 19;
const FRAME_NS = 1e6;
const AVAILABLE = 1 << 10;
const STALL = 1 << 11;
const DATA1 = 1 << 13;
const FULL = 1 << 15;
const LENGTH = 0x3ff;
const EP0_BUFFER = 0x100;
const EP_ENABLE = 0x8000_0000;

const CLEAR_FEATURE = 1;
const IN = 0;
const OUT = 1;

/** What the host read of the device while it enumerated it. */
export interface UsbEnumeration {
  device: Uint8Array;
  configuration: Uint8Array;
  report: Uint8Array;
  strings: string[];
}

/** The host's end of the cable: enumerates, then carries bytes by the serial line or by HID reports. */
export interface UsbHost {
  /** Undefined until the device is configured. */
  enumeration(): UsbEnumeration | undefined;
  /** Bytes to the device. */
  cdc(bytes: string): void;
  hid(report: Uint8Array): void;
  onCdc: (bytes: string) => void;
  onHid: (report: Uint8Array) => void;
  /** A control transfer after enumeration; undefined when the device stalls it. */
  control(setup: number[], data?: Uint8Array<ArrayBuffer>): Promise<Uint8Array | undefined>;
  /** A host that does not fetch: the device's packets wait. */
  paused: boolean;
  counters: { packets_in: number; packets_out: number; toggle_errors: number; resets: number };
  /** Pulls the cable and plugs it in again: a bus reset and a new enumeration. */
  replug(): void;
  /** The device has lost its power: nothing is heard of it until it pulls its line up again. */
  unplug(): void;
}

interface Controller {
  DPRAMUpdated(offset: number, value: number): void;
  indicateBufferReady(endpoint: number, out: boolean): void;
  onUSBEnabled?: () => void;
  onResetReceived?: () => void;
  resetDevice(): void;
  sendSetupPacket(packet: Uint8Array): void;
}

interface Transfer {
  setup: number[];
  data: Uint8Array<ArrayBuffer>;
  done(answer: Uint8Array | undefined): void;
}

/**
 * A host in place of the emulator's own, which polls idle endpoints without end and takes packets in no time: packets
 * take their time on the bus, one after the other, toggles are checked, stalls end control transfers, and a device that
 * offers no buffer is simply not ready (NAK). The emulator's device-side transfer logic is replaced for that.
 */
export function attachUsbHost(chip: RP2040, clock: Simulator["clock"]): UsbHost {
  const usb = chip.usbCtrl as unknown as Controller;
  const memory = chip.usbDPRAMView;
  const toggles = new Map<number, number>();
  const bulk: Uint8Array[] = [];
  const reports: Uint8Array[] = [];
  let queue: Transfer[] = [];
  let stage: "idle" | "setup" | "in" | "out" | "status-in" | "status-out" = "idle";
  let gathered: number[] = [];
  let sent = 0;
  let enumerated: UsbEnumeration | undefined;
  let endpoints = { bulkIn: -1, bulkOut: -1, hidIn: -1, hidOut: -1 };
  let busyUntil_ns = 0;
  let life = 0;

  const control = (ep: number, out: number): number => 0x80 + 8 * ep + 4 * out;
  const buffer = (ep: number, out: number): number =>
    ep === 0 ? EP0_BUFFER : memory.getUint32(8 * ep + 4 * out, true) & 0xffc0;
  const open = (ep: number, out: number): boolean =>
    ep === 0 || (ep > 0 && (memory.getUint32(8 * ep + 4 * out, true) & EP_ENABLE) !== 0);
  const ready = (ep: number, out: number): boolean =>
    open(ep, out) && (memory.getUint32(control(ep, out), true) & AVAILABLE) !== 0;
  const stalled = (ep: number, out: number): boolean =>
    (memory.getUint32(control(ep, out), true) & (STALL | AVAILABLE)) === STALL;

  function toggle(ep: number, out: number, value: number): void {
    const key = ep * 2 + out;
    const expected = toggles.get(key) ?? 0;
    if (((value & DATA1) !== 0 ? 1 : 0) !== expected) host.counters.toggle_errors += 1;
    toggles.set(key, expected ^ 1);
  }

  /** The device's packet, its buffer given back. */
  function fetch(ep: number): Uint8Array {
    const value = memory.getUint32(control(ep, IN), true);
    toggle(ep, IN, value);
    const at = buffer(ep, IN);
    const bytes = chip.usbDPRAM.slice(at, at + (value & LENGTH));
    memory.setUint32(control(ep, IN), value & ~(AVAILABLE | FULL), true);
    host.counters.packets_in += 1;
    usb.indicateBufferReady(ep, false);
    return bytes;
  }

  function put(ep: number, bytes: Uint8Array): void {
    const value = memory.getUint32(control(ep, OUT), true);
    toggle(ep, OUT, value);
    chip.usbDPRAM.set(bytes, buffer(ep, OUT));
    memory.setUint32(control(ep, OUT), (value & ~(AVAILABLE | LENGTH)) | FULL | bytes.length, true);
    host.counters.packets_out += 1;
    usb.indicateBufferReady(ep, true);
  }

  function end(answer: Uint8Array | undefined): void {
    stage = "idle";
    const transfer = queue.shift();
    const [type, request, , , endpoint = 0] = transfer?.setup ?? [];
    // A halt that is cleared starts the toggle anew at both ends (USB 2.0, 9.4.5).
    if (answer !== undefined && type === 2 && request === CLEAR_FEATURE) {
      toggles.set((endpoint & 15) * 2 + ((endpoint & 0x80) !== 0 ? IN : OUT), 0);
    }
    transfer?.done(answer);
  }

  /** One packet of the control transfer under way; false when the device is not ready for it. */
  function controlStep(): boolean {
    const [transfer] = queue;
    if (transfer === undefined) return false;
    const wanted = (transfer.setup[6] as number) | ((transfer.setup[7] as number) << 8);
    const reading = ((transfer.setup[0] as number) & 0x80) !== 0;
    if (stage === "idle") {
      for (const out of [IN, OUT]) memory.setUint32(control(0, out), 0, true);
      gathered = [];
      sent = 0;
      toggles.set(0, 1);
      toggles.set(1, 1);
      stage = wanted === 0 ? "status-in" : reading ? "in" : "out";
      usb.sendSetupPacket(Uint8Array.from(transfer.setup));
      return true;
    }
    if (stalled(0, reading ? IN : OUT) || stalled(0, IN)) {
      end(undefined);
      return true;
    }
    if (stage === "in" && ready(0, IN)) {
      const packet = fetch(0);
      gathered.push(...packet);
      if (packet.length < 64 || gathered.length >= wanted) {
        stage = "status-out";
        toggles.set(1, 1);
      }
      return true;
    }
    if (stage === "out" && ready(0, OUT)) {
      put(0, transfer.data.subarray(sent, sent + 64));
      sent += 64;
      if (sent >= transfer.data.length) {
        stage = "status-in";
        toggles.set(0, 1);
      }
      return true;
    }
    if (stage === "status-in" && ready(0, IN)) {
      fetch(0);
      end(Uint8Array.from(gathered));
      return true;
    }
    if (stage === "status-out" && ready(0, OUT)) {
      put(0, new Uint8Array(0));
      end(Uint8Array.from(gathered));
      return true;
    }
    return false;
  }

  let hidFrame_ns = 0;
  /** One packet in some direction; false when nothing can move. */
  function step(): boolean {
    if (controlStep()) return true;
    if (enumerated === undefined) return false;
    if (
      clock.nanos >= hidFrame_ns &&
      (ready(endpoints.hidIn, IN) || (reports.length > 0 && ready(endpoints.hidOut, OUT)))
    ) {
      // An interrupt endpoint is asked once a frame.
      hidFrame_ns = clock.nanos + FRAME_NS;
      if (ready(endpoints.hidIn, IN)) host.onHid(fetch(endpoints.hidIn));
      if (reports.length > 0 && ready(endpoints.hidOut, OUT)) put(endpoints.hidOut, reports.shift() as Uint8Array);
      return true;
    }
    if (bulk.length > 0 && ready(endpoints.bulkOut, OUT)) {
      put(endpoints.bulkOut, bulk.shift() as Uint8Array);
      return true;
    }
    if (!host.paused && ready(endpoints.bulkIn, IN)) {
      host.onCdc(Buffer.from(fetch(endpoints.bulkIn)).toString("latin1"));
      return true;
    }
    return false;
  }

  const alarm = clock.createAlarm(() => {
    armed = false;
    if (step()) {
      busyUntil_ns = clock.nanos + PACKET_NS;
      schedule();
    } else if (ready(endpoints.hidIn, IN) || reports.length > 0) schedule(FRAME_NS / 4);
  });
  let armed = false;
  function schedule(after_ns = 0): void {
    if (armed) return;
    armed = true;
    alarm.schedule(Math.max(1, busyUntil_ns - clock.nanos, after_ns));
  }

  function transfer(setup: number[], data = new Uint8Array(0)): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      queue.push({ setup, data, done: resolve });
      schedule();
    });
  }

  const descriptor = (type: number, index: number, length: number, recipient = 0x80): Promise<Uint8Array | undefined> =>
    transfer([
      recipient,
      6,
      index,
      type,
      type === 3 && index > 0 ? 9 : 0,
      type === 3 && index > 0 ? 4 : 0,
      length & 255,
      length >> 8,
    ]);

  async function enumerate(): Promise<void> {
    life += 1;
    const mine = life;
    const need = async (what: string, asked: Promise<Uint8Array | undefined>): Promise<Uint8Array> => {
      const answer = await asked;
      if (answer === undefined) throw new Error(`the device stalls ${what}`);
      return answer;
    };
    await need("SET_ADDRESS", transfer([0, 5, 1, 0, 0, 0, 0, 0]));
    const device = await need("the device descriptor", descriptor(1, 0, 18));
    const head = await need("the configuration's head", descriptor(2, 0, 9));
    const total = (head[2] as number) | ((head[3] as number) << 8);
    const configuration = await need("the configuration", descriptor(2, 0, total));
    const strings: string[] = [];
    for (const index of [1, 2, 3]) {
      const bytes = await need(`string ${index}`, descriptor(3, index, 255));
      strings.push(Buffer.from(bytes.subarray(2)).toString("utf16le"));
    }
    await need("SET_CONFIGURATION", transfer([0, 9, 1, 0, 0, 0, 0, 0]));
    const report = await need("the report descriptor", transfer([0x81, 6, 0, 0x22, 2, 0, 255, 0]));
    // 115,200 baud, 8N1; then DTR and RTS.
    await need("SET_LINE_CODING", transfer([0x21, 0x20, 0, 0, 0, 0, 7, 0], Uint8Array.of(0, 0xc2, 1, 0, 0, 0, 8)));
    await need("SET_CONTROL_LINE_STATE", transfer([0x21, 0x22, 3, 0, 0, 0, 0, 0]));
    if (mine !== life) return;
    endpoints = findEndpoints(configuration);
    for (const ep of [endpoints.bulkIn, endpoints.bulkOut, endpoints.hidIn, endpoints.hidOut]) {
      toggles.set(ep * 2, 0);
      toggles.set(ep * 2 + 1, 0);
    }
    enumerated = { device, configuration, report, strings };
    schedule();
  }

  usb.DPRAMUpdated = (offset, value) => {
    if (offset >= 0x80 && offset <= 0xfc && (value & (AVAILABLE | STALL)) !== 0) schedule();
  };
  function reset(): void {
    enumerated = undefined;
    queue = [];
    stage = "idle";
    bulk.length = 0;
    reports.length = 0;
    host.counters.resets += 1;
    usb.resetDevice();
  }
  usb.onUSBEnabled = reset;
  usb.onResetReceived = () => void enumerate();

  const host: UsbHost = {
    enumeration: () => enumerated,
    cdc(bytes) {
      const all = Buffer.from(bytes, "latin1");
      for (let at = 0; at < all.length; at += 64) bulk.push(all.subarray(at, at + 64));
      schedule();
    },
    hid(report) {
      reports.push(report);
      schedule();
    },
    onCdc: () => undefined,
    onHid: () => undefined,
    control: (setup, data) => transfer(setup, data),
    paused: false,
    counters: { packets_in: 0, packets_out: 0, toggle_errors: 0, resets: 0 },
    replug: reset,
    unplug() {
      enumerated = undefined;
      queue = [];
      stage = "idle";
      bulk.length = 0;
      reports.length = 0;
    },
  };
  return host;
}

/** Numbers of the bulk and HID endpoints, from the configuration descriptor. */
function findEndpoints(configuration: Uint8Array): { bulkIn: number; bulkOut: number; hidIn: number; hidOut: number } {
  const found = { bulkIn: -1, bulkOut: -1, hidIn: -1, hidOut: -1 };
  let kind = 0;
  for (let at = 0; at < configuration.length; at += configuration[at] as number) {
    const type = configuration[at + 1];
    if (type === 4) kind = configuration[at + 5] as number;
    if (type !== 5) continue;
    const address = configuration[at + 2] as number;
    const incoming = (address & 0x80) !== 0;
    if (kind === 10) found[incoming ? "bulkIn" : "bulkOut"] = address & 15;
    if (kind === 3) found[incoming ? "hidIn" : "hidOut"] = address & 15;
  }
  return found;
}
