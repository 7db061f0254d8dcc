import { z } from "../schema.ts";
import { call, feature } from "./feature.ts";

export const store = feature("store", "What the supervisor remembers: journal of commands, leases, audit log.", {
  restore: call("POST", "/api/v1/store/restore", "Take up the copy that lies in the state folder as `restore.db`.", {
    role: "admin",
    answer: z.object({ commands: z.int(), leases: z.int(), audit: z.int() }).meta({
      id: "Restored",
      description: "Commands and lines of the audit log that were added, leases that hold again.",
    }),
    refusals: ["unknown_copy", "malformed", "store_failed"],
    cli: "mltb state restore FILE",
  }),
});
