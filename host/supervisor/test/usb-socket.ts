import { monitoringUsb } from "@mltb/hardware";
import type { SimulatedRack } from "@mltb/simulators";
import { portTransport } from "../src/link/port-transport.ts";
import { createPorts, type PortInfo, type Ports } from "../src/link/ports.ts";
import type { OpenPortAt } from "../src/link/serial.ts";
import { type ByteTransport, PortError } from "../src/link/transport.ts";

const identity = { vid: monitoringUsb.vendor_id, pid: monitoringUsb.product_id, serial: "SIM-1" };

export interface UsbSocket {
  transport(of: SimulatedRack): ByteTransport;
  ports: Ports;
  plug(): void;
  /** `driverIsMute`: the driver says nothing; not `hinted`: nor does the system, until the next news. */
  unplug(driverIsMute: boolean, hinted?: boolean): void;
}

/** A USB socket: what is plugged in gets another path each time, as the kernel may give it. */
export function createSocket(alwaysSamePath: boolean): UsbSocket {
  let rack: SimulatedRack;
  let plugged: PortInfo | undefined;
  let number = 0;
  let hint: (path?: string) => void = () => undefined;
  /** A driver that says nothing when its device goes. */
  let mute = false;
  const other = { path: "/dev/ttyACM7", vid: identity.vid, pid: identity.pid, serial: "SIM-OTHER" };
  const ports = createPorts({
    list: async () => (plugged === undefined ? [other] : [other, plugged]),
    hints(onHint) {
      hint = onHint;
      return () => undefined;
    },
  });
  const openAt: OpenPortAt = async (path, handlers) => {
    if (plugged?.path !== path) throw new PortError("absent", `${path} is gone`);
    const mine = plugged;
    await rack.transport.open({
      onBytes: (chunk) => plugged === mine && handlers.onBytes(chunk),
      onClose: (reason) => mute || handlers.onClose(reason),
    });
    return {
      write: (bytes) => plugged === mine && rack.transport.write(bytes),
      room: () => (plugged === mine ? rack.transport.room() : 0),
      close: () => (plugged === mine ? rack.transport.close() : Promise.resolve()),
    };
  };
  return {
    transport(of: SimulatedRack) {
      rack = of;
      return portTransport({ usb: identity }, ports, openAt);
    },
    ports,
    plug() {
      rack.restoreLink();
      plugged = { path: `/dev/ttyACM${alwaysSamePath ? 0 : number++ % 3}`, ...identity };
      hint(plugged.path);
    },
    unplug(driverIsMute: boolean, hinted = true) {
      mute = driverIsMute;
      const path = plugged?.path;
      plugged = undefined;
      rack.cutLink();
      mute = false;
      if (hinted) hint(path);
    },
  };
}
