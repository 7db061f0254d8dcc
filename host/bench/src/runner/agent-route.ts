import { readFileSync } from "node:fs";
import { type Bay, type BayTarget, bayTargets, bootId, hostOf, isLoopback, isWildcard } from "@mltb/contract";
import { RunError } from "./bay-api.ts";

/** What an agent's birth says of where it can be called, and who answers there. */
export interface Announced {
  name: string;
  target: string;
  grpc: string;
  tls?: boolean | undefined;
  /** This life of the agent; its answers name it. */
  instance?: string | undefined;
  /** Boot id of its system. */
  machine?: string | null | undefined;
}

/** How an agent is called, and who must answer. */
export interface AgentRoute {
  /** HOST:PORT. */
  address: string;
  /** Certificates that the agent's own is checked against, and where they were read; without them there is no TLS. */
  ca?: { file: string; pem: Buffer };
  token?: { file: string; text: string };
  /** Whoever answers under another name is not measured. */
  instance?: string;
}

function readToken(file: string): { file: string; text: string } {
  const text = read(file).toString("utf8").trim();
  // What it holds is never told.
  if (!/^[A-Za-z0-9_-]+$/.test(text)) throw new RunError(`${file} holds no token: one line of [A-Za-z0-9_-] is wanted`);
  return { file, text };
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new RunError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** Why what a target's agent announces is not the way to its board, with the mend; undefined where it may be. */
function notTheBoard(born: Announced, target: BayTarget): string | undefined {
  const who = `agent ${born.name} of ${born.target}`;
  const addressed = target.agent?.address !== undefined;
  if (born.instance === undefined)
    return `${who} does not say which agent it is, so that another one could answer in its place: start it from this version`;
  if (addressed) return undefined;
  const host = hostOf(born.grpc);
  const mend =
    "start it with --advertise HOST:PORT of the board, or give the target's agent an address in the bay file";
  if (isWildcard(host)) return `${who} announces ${born.grpc}, which nobody can call: ${mend}`;
  if (isLoopback(host))
    return `${who} announces ${born.grpc}, which is this machine and not the board (it is not simulated): ${mend}`;
  if (born.machine != null && born.machine === bootId())
    return (
      `${who} runs on this machine and not on the board (it is not simulated): start it there; where it speaks for the board ` +
      "from here, give the target's agent its address in the bay file"
    );
  return undefined;
}

/**
 * How an agent that announced itself is called: as the bay file says, else where it announces. Throws where that cannot be the
 * target's own board, and where certificate or token cannot be read.
 */
export function agentRoute(bay: Bay, born: Announced): AgentRoute {
  const found = bayTargets(bay).find(({ target }) => target.target === born.target);
  const instance = born.instance === undefined ? {} : { instance: born.instance };
  // The agent of a simulated target was started on this machine by the bay itself.
  if (found === undefined || found.rack.board.link === "simulated") return { address: born.grpc, ...instance };
  const why = notTheBoard(born, found.target);
  if (why !== undefined) throw new RunError(why);
  const { address = born.grpc, ca, token_file } = found.target.agent ?? {};
  if (born.tls === true && ca === undefined) {
    const mend = "give the target's agent `ca: FILE` in the bay file, the agent's cert.pem";
    throw new RunError(`agent ${born.name} of ${born.target} is called over TLS: ${mend}`);
  }
  return {
    address,
    ...instance,
    ...(ca === undefined ? {} : { ca: { file: ca, pem: read(ca) } }),
    ...(token_file === undefined ? {} : { token: readToken(token_file) }),
  };
}
