import { Agent, request } from "node:http";
import { parentPort, workerData } from "node:worker_threads";

/** What the clients of the lease benchmark are to do. */
export interface LeaseClients {
  http: string;
  token: string;
  boards: number;
  pairs: number;
  clients: number;
}

/** How long all pairs took together, and each lease until it was granted. */
export interface LeasePairs {
  span_s: number;
  acquire_ms: number[];
}

const asked = workerData as LeaseClients;
const url = new URL(asked.http);

function send(agent: Agent, method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
  const text = body === undefined ? "" : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${asked.token}`,
      ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
    };
    const sent = request({ agent, host: url.hostname, port: url.port, method, path, headers }, (answer) => {
      let said = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk) => (said += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text: said }));
    });
    sent.on("error", reject);
    sent.end(text);
  });
}

const acquire_ms: number[] = [];

/** Leases taken and given back one after the other, on a connection and targets that no other client has. */
async function client(number: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let n = number; n < asked.pairs; n += asked.clients) {
    const before = performance.now();
    const body = { targets: [`t-${n % asked.boards}`], ttl_s: 60 };
    const { status, text } = await send(agent, "POST", "/api/v1/leases", body);
    acquire_ms.push(performance.now() - before);
    if (status !== 201) throw new Error(`status ${status}: ${text}`);
    const { id } = JSON.parse(text) as { id: string };
    const ended = await send(agent, "DELETE", `/api/v1/leases/${id}`);
    if (ended.status !== 204) throw new Error(`status ${ended.status}: ${ended.text}`);
  }
  agent.destroy();
}

const started = performance.now();
await Promise.all(Array.from({ length: asked.clients }, (_, number) => client(number)));
const result: LeasePairs = { span_s: (performance.now() - started) / 1000, acquire_ms };
parentPort?.postMessage(result);
