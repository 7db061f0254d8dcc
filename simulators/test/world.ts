import type { ChannelFault, MonitoringElectronics } from "../src/index.ts";
import type { I2cBus } from "../src/parts/i2c.ts";
import type { Rail } from "../src/world/rail.ts";

/** What a scenario sees and does behind a board's pins, whatever board it is. Channels count from 0 here. */
export interface World {
  rails: Rail[];
  /** Levels of the switches as the board's outputs hold them. */
  switches(): number[];
  /** Level of a channel's reset line, and a call at every change of the outputs. */
  reset(channel: number): number;
  onOutputs(changed: () => void): void;
  /** How late a change of the outputs may be seen. */
  late_us: number;
  /** Takes the monitor of a channel off its bus, where the parts can be taken off, and gives what puts it there again. */
  removeMonitor?(channel: number): () => void;
  /** Breaks something in a channel's path, as the control socket does. */
  breakChannel?(channel: number, fault: ChannelFault): void;
}

/** The world behind a simulated monitoring board, in virtual time. */
export function monitoringWorld(electronics: MonitoringElectronics): World {
  const { board, chain } = electronics;
  const level = (bit: number | undefined): number => chain.output(bit ?? -1);
  return {
    rails: electronics.rails,
    switches: () => board.channels.map(({ switch_bit }) => level(switch_bit)),
    reset: (channel) => level(board.channels[channel]?.reset_bit),
    onOutputs(changed) {
      const before = chain.onLatch;
      chain.onLatch = () => {
        before?.();
        changed();
      };
    },
    late_us: 0,
    breakChannel: electronics.breakChannel,
    removeMonitor: (channel) =>
      takeOff(electronics.buses[board.monitor_bus] as I2cBus, board.channels[channel]?.monitor_address ?? -1),
  };
}

/** Takes a part off its bus, and gives what puts it there again. */
export function takeOff(bus: I2cBus, address: number): () => void {
  const part = bus.parts.get(address);
  bus.parts.delete(address);
  return () => {
    if (part !== undefined) bus.parts.set(address, part);
  };
}
