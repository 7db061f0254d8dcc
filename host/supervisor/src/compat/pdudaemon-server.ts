import { createServer } from "node:http";
import type { Caller } from "../call.ts";
import type { Commands } from "../commands.ts";
import { OriginGuard } from "../http/guard.ts";
import { listen } from "../mqtt/broker.ts";
import type { Listener } from "../options.ts";
import { runVerb } from "./pdudaemon.ts";

const HEADER_BYTES = 4096;

/** pdudaemon's verbs without login, for its clients send none; `refuseInsecure` keeps it on loopback. Closes with the returned function. */
export async function servePdudaemon(listener: Listener, commands: Commands): Promise<() => Promise<void>> {
  const guard = new OriginGuard([]);
  const server = createServer({ maxHeaderSize: HEADER_BYTES }, (request, response) => {
    const answer = (status: number, text: string): void => {
      response.writeHead(status, { "content-type": "text/plain" }).end(text);
    };
    // No body is wanted: what comes is not kept.
    request.resume();
    const fault = guard.fault(request.headers);
    if (fault !== undefined) return answer(403, `${fault}\n`);
    // What `//` begins would be a host, and may be none.
    const url = URL.parse(request.url ?? "/", "http://localhost");
    const verb = /^\/power\/control\/([a-z]+)$/.exec(url?.pathname ?? "")?.[1];
    if (request.method !== "GET" || url === null || verb === undefined)
      return answer(404, "GET /power/control/on|off|reboot is served\n");
    const origin = request.socket.remoteAddress ?? "";
    const caller: Caller = { source: "api", user: "pdudaemon", role: "operator", origin };
    void runVerb(commands, verb, Object.fromEntries(url.searchParams), caller).then(
      ({ status, text }) => answer(status, text),
      () => answer(500, "this should not happen\n"),
    );
  });
  await listen(server, listener.host, listener.port, listener.named);
  return async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
}
