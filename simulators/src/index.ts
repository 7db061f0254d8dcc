/** Simulated boards, parts and targets: the only door of the package. */
export { createFloorBoard, type SimulatedFloorBoard } from "./boards/floor.ts";
export { type ChannelFault, createMonitoringElectronics, type MonitoringElectronics } from "./boards/monitoring.ts";
export { type ControlBay, handleControl } from "./control/requests.ts";
export { ControlSocketError, serveControl } from "./control/socket.ts";
export {
  createQemuBoard,
  missingQemuPackages,
  type QemuBoard,
  type QemuBoardOptions,
} from "./images/qemu.ts";
export { createRp2040Board, type Rp2040Board, type Rp2040Options } from "./images/rp2040.ts";
export { createFaultWire, type FaultWire, type WireFaults } from "./link/fault-wire.ts";
export { type BoardEnd, type ByteTransport, createMemoryLink } from "./link/memory.ts";
export { createPtyCarrier, type PtyCarrier, PtyError } from "./link/pty.ts";
export { createFlash, type Flash } from "./parts/w25q16.ts";
export { createSimulatedRack, type RackOptions, type SimulatedRack, type SimulatedTarget } from "./rack.ts";
export { createLuaBoard, type LuaBoard, LuaBoardError, type LuaBoardOptions } from "./runtime/lua-vm.ts";
export type { NodeHal } from "./runtime/node-hal.ts";
export { type StandaloneBoard, simulateBoard } from "./standalone.ts";
export type { LoadModel } from "./targets/computer.ts";
export { defaultRail, type RailModel } from "./world/rail.ts";
export { type Random, random } from "./world/random.ts";
