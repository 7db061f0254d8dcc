import { createConnection } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** A command that the supervisor has accepted for a target's power. */
export interface PowerCommand {
  target: string;
  state: string;
  /** Id of the action of an experiment that has sent it; undefined where it was somebody or something else. */
  action: string | undefined;
  status: string;
}

/** What targets were told, in order, as the supervisor's journal has it; by one run or by all and everything. */
export function powerCommands(stateDir: string, run_id?: string): PowerCommand[] {
  const db = new DatabaseSync(join(stateDir, "state.db"), { readOnly: true });
  try {
    const rows = db.prepare("select key, name, args, status from commands where feature = 'power' order by id").all();
    const commands = rows.map((row) => ({
      target: String(row["name"]),
      state: String((JSON.parse(String(row["args"])) as { state: string }).state),
      // The key of an action ends with the lease under which it was sent.
      action: / (\S+\/\S+\/\d+)\/[^/]+(?:\/gone)?$/.exec(String(row["key"] ?? ""))?.[1],
      status: String(row["status"]),
    }));
    return run_id === undefined ? commands : commands.filter(({ action }) => action?.startsWith(`${run_id}/`));
  } finally {
    db.close();
  }
}

/** One request to the control socket of a simulated bay. */
export function askControl(socket: string, request: object): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socket);
    let text = "";
    connection.on("error", reject);
    connection.on("data", (chunk) => {
      text += chunk;
      if (!text.includes("\n")) return;
      connection.end();
      resolve(JSON.parse(text) as Record<string, unknown>);
    });
    connection.write(`${JSON.stringify(request)}\n`);
  });
}
