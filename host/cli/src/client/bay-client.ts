import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { BayState } from "../bay/state.ts";
import { CliError, cliError, Exit } from "../errors.ts";

/** RFC 9457 problem document with the bay's stable code. */
interface Problem {
  code?: string;
  title?: string;
  detail?: string;
  suggestion?: string;
}

/** A target as the API shows it, INTERFACES section 4. */
export interface TargetView {
  name: string;
  rack: string;
  channel: number;
  power: "on" | "off" | "changing" | "fault" | "unknown";
  voltage_v: number | null;
  current_a: number | null;
  power_w: number | null;
  energy_j: number | null;
  fault: null | { id: string; cause: string; at: string };
  lease: null | { id: string; holder: string; expires_at: string };
  health: Record<string, unknown>;
  seq: number;
  unproved?: true;
}

/** A bay that does not answer, and why. */
export function unreachable(url: string, error: Error): CliError {
  const why = error.cause instanceof Error ? error.cause.message : error.message;
  return cliError(Exit.unreachable, "bay-unreachable", `the bay at ${url} does not answer: ${why}`);
}

const exits: Record<number, number> = {
  401: Exit.refused,
  403: Exit.refused,
  404: Exit.usage,
  409: Exit.refused,
  422: Exit.usage,
  400: Exit.usage,
  429: Exit.refused,
  502: Exit.unreachable,
  503: Exit.unreachable,
  504: Exit.unreachable,
};

/** The HTTP API of a bay, with its answers turned into values or into `CliError`s with the right exit code. */
export class BayClient {
  readonly url: string;
  readonly token: string;
  readonly state: BayState | undefined;
  /** File that the token was read from. */
  readonly tokenFile: string | undefined;
  /** Why an admin commands what others have leased. */
  override: string | undefined;

  constructor(url: string, token: string, state: BayState | undefined, tokenFile?: string) {
    this.url = url.replace(/\/$/, "");
    this.token = token;
    this.state = state;
    this.tokenFile = tokenFile;
  }

  call<T>(method: string, path: string, body?: unknown): Promise<T> {
    return body === undefined
      ? this.send(method, path)
      : this.send(method, path, "application/json", JSON.stringify(body));
  }

  /** The same with bytes as they are. */
  upload<T>(method: string, path: string, bytes: Uint8Array): Promise<T> {
    return this.send(method, path, "application/octet-stream", bytes);
  }

  private headers(): Record<string, string> {
    const lease = process.env["MLTB_LEASE"];
    return {
      authorization: `Bearer ${this.token}`,
      ...(lease === undefined || lease === "" ? {} : { "mltb-lease": lease }),
      ...(this.override === undefined ? {} : { "mltb-override": this.override }),
    };
  }

  /** The lines of a stream, as they come. */
  async lines(path: string, signal: AbortSignal, headers: Record<string, string> = {}): Promise<AsyncIterable<string>> {
    let response: Response;
    try {
      response = await fetch(`${this.url}${path}`, { headers: { ...this.headers(), ...headers }, signal });
    } catch (error) {
      throw unreachable(this.url, error as Error);
    }
    if (!response.ok || response.body === null) throw faultOf(response.status, await response.text());
    return linesOf(Readable.fromWeb(response.body as never));
  }

  /** An answer that is plain text. */
  text(path: string): Promise<string> {
    return this.ask("GET", path);
  }

  private async send<T>(method: string, path: string, type?: string, body?: string | Uint8Array): Promise<T> {
    const text = await this.ask(method, path, type, body);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  private async ask(method: string, path: string, type?: string, body?: string | Uint8Array): Promise<string> {
    let response: Response;
    try {
      response = await fetch(`${this.url}${path}`, {
        method,
        headers: { ...this.headers(), ...(type === undefined ? {} : { "content-type": type }) },
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      throw unreachable(this.url, error as Error);
    }
    const text = await response.text();
    if (response.ok) return text;
    throw faultOf(response.status, text);
  }

  targets(): Promise<TargetView[]> {
    return this.call<TargetView[] | { targets: TargetView[] }>("GET", "/api/v1/targets").then((answer) =>
      Array.isArray(answer) ? answer : answer.targets,
    );
  }

  target(name: string): Promise<TargetView> {
    return this.call("GET", `/api/v1/targets/${encodeURIComponent(name)}`);
  }
}

/** The lines of a stream; who reads no further closes it, or the connection would keep the process. */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } finally {
    input.destroy();
  }
}

/** What an answer that is no success says. */
export function faultOf(status: number, text: string): CliError {
  let document: Problem = {};
  try {
    document = JSON.parse(text) as Problem;
  } catch {
    document = { detail: text.slice(0, 200) };
  }
  const message = document.detail ?? document.title ?? `the bay answered ${status}`;
  return new CliError(exits[status] ?? Exit.internal, [
    {
      code: document.code ?? `http-${status}`,
      message,
      ...(document.suggestion === undefined ? {} : { suggestion: document.suggestion }),
    },
  ]);
}
