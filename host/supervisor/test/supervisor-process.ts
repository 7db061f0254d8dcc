// A supervisor in a process of its own, so that a test can kill it: prints one line when it is ready. SIGTERM ends it and
// leaves the targets as they are, SIGINT switches them off first.
// Arguments: bay file, state folder, device of the board, HTTP port, MQTT port. Foreign boards are reached as their bay file says.
import { flushCompileCache } from "node:module";
import { readBayFile } from "@mltb/contract";
import { pino } from "pino";
import { bayPorts, linkTransport, startSupervisor } from "../src/index.ts";
import { fileTransport } from "../src/link/open.ts";

const [file = "", stateDir = "", device = "", http = "0", mqtt = "0"] = process.argv.slice(2);
const read = readBayFile(file);
if ("faults" in read) throw new Error(read.faults.map((fault) => fault.message).join("; "));
const { bay } = read;
const supervisor = await startSupervisor({
  bay,
  openBoard(board) {
    const foreign = bay.racks.find((rack) => rack.board.name === board.name && rack.board.kind === "foreign");
    return foreign === undefined ? fileTransport(device) : linkTransport(foreign, bayPorts(bay));
  },
  http: { host: "127.0.0.1", port: Number(http), named: true },
  mqtt: { host: "127.0.0.1", port: Number(mqtt), named: true },
  stateDir,
  log: pino({ level: "silent" }),
});
process.once("SIGTERM", () => void supervisor.stop().then(() => process.exit(0)));
process.once("SIGINT", () => void supervisor.makeSafe().then(() => supervisor.stop().then(() => process.exit(0))));
process.stdout.write(`${JSON.stringify({ http: supervisor.http, mqtt: supervisor.mqtt })}\n`);
// A process that is killed leaves no cache behind by itself.
flushCompileCache();
