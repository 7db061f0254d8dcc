/** The host supervisor: the only door of the package. */
export { serialTransport } from "./link/serial.ts";
export type { ByteTransport } from "./link/transport.ts";
export { type Listener, type Supervisor, type SupervisorOptions, startSupervisor } from "./supervisor.ts";
