/** The host supervisor: the only door of the package. */
export { addToken, listTokens, revokeToken } from "./auth/tokens.ts";
export { consolePort } from "./link/console-port.ts";
export { bayPorts, findPort, linkTransport } from "./link/open.ts";
export { listUsbPorts } from "./link/system-ports.ts";
export type { ByteTransport } from "./link/transport.ts";
export type { Configurations, Listener, SupervisorOptions } from "./options.ts";
export { compareRacks, type ReloadResult } from "./reload.ts";
export { backupState, inspectCopy, RESTORE_FILE, replaceState } from "./store/copy.ts";
export { type Supervisor, startSupervisor } from "./supervisor.ts";
