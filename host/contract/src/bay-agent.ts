import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { hostOf, hostPortSchema, isLoopback } from "./host-port.ts";
import { z } from "./schema.ts";

/**
 * A runtime of the inference agent; `oip://` drives a foreign server of the Open Inference Protocol over gRPC, `oips://` one
 * over TLS.
 */
const runtimeSchema = z
  .string()
  .regex(
    /^(ort|ort-web|litert|oips?:\/\/[^\s/]+:\d+)$/,
    "ort, ort-web, litert, oip://HOST:PORT or oips://... is wanted",
  );

const file = z.string().min(1);

/** The inference agent of a target. Secrets are never here: only the files that hold them are named. */
export const bayAgentSchema = z.strictObject({
  runtime: runtimeSchema,
  threads: z.int().min(1).max(64).default(1),
  /** Where the agent is called, in place of the address that it announces. */
  address: hostPortSchema.optional(),
  /** Certificates (PEM) that the agent's own is checked against; with them it is called over TLS. */
  ca: file.optional(),
  /** The bearer token that the agent wants. */
  token_file: file.optional(),
  /** The same for the foreign server of an `oips://` runtime. */
  oip_ca: file.optional(),
  oip_token_file: file.optional(),
});

type BayAgent = z.infer<typeof bayAgentSchema>;

/** A fault at a key of `agent`, without its place. */
interface AgentFault {
  key: keyof BayAgent;
  code: string;
  message: string;
  mend?: string;
}

const ofBoards = ["address", "ca", "token_file"] as const;
const ofForeign = ["oip_ca", "oip_token_file"] as const;
const files = ["ca", "token_file", "oip_ca", "oip_token_file"] as const;

const mends: Record<(typeof files)[number], string> = {
  ca: "copy the agent's cert.pem there (docs/inference.md)",
  token_file: "copy the agent's token file there (docs/inference.md)",
  oip_ca: "copy the certificate of the server's authority there",
  oip_token_file: "write the server's token there, one line",
};

/** What the agent of a target may not have, and the files that are not there. Paths become absolute. */
export function checkBayAgent(agent: BayAgent, simulated: boolean, bayFile: string): AgentFault[] {
  const faults: AgentFault[] = [];
  for (const key of ofBoards) {
    if (!simulated || agent[key] === undefined) continue;
    const message = `${key} only goes with a board that is not simulated: the agent of a simulated one runs on this machine`;
    faults.push({ key, code: "value", message, mend: "remove it" });
  }
  for (const key of ofForeign) {
    if (agent[key] === undefined || (simulated && agent.runtime.startsWith("oips://"))) continue;
    const message = `${key} only goes with a simulated board and a runtime oips://HOST:PORT`;
    const mend = simulated
      ? "remove it, or write oips:// for a server over TLS"
      : "give the agent on the board --oip-ca";
    faults.push({ key, code: "value", message, mend });
  }
  const tunnelled = agent.address !== undefined && isLoopback(hostOf(agent.address));
  if (!simulated && agent.token_file !== undefined && agent.ca === undefined && !tunnelled) {
    const message = "token_file needs ca: a token goes over TLS only";
    faults.push({ key: "token_file", code: "missing", message, mend: "add ca: FILE, the agent's cert.pem" });
  }
  for (const key of files) {
    const named = agent[key];
    if (named === undefined) continue;
    const path = resolve(dirname(bayFile), named);
    agent[key] = path;
    if (existsSync(path)) continue;
    faults.push({ key, code: "file-not-found", message: `${path} not found`, mend: mends[key] });
  }
  return faults;
}
