import { buildBundle } from "@mltb/firmware";
import {
  type AnswerOf,
  type Body,
  crc16,
  createHostSession,
  type HostSession,
  type Message,
  type RequestName,
  type RequestOutcome,
} from "@mltb/protocol";
import { createSimulatedRack, type SimulatedRack, type SimulatedTarget } from "../src/index.ts";

/** The real bundle in a simulated rack under virtual time, with a host session on its link. */
export interface VirtualBench {
  rack: SimulatedRack;
  session: HostSession;
  messages: { name: string; body: Body }[];
  run(ms: number): Promise<void>;
  /** Sends a request and leaves it to `run` to move time. */
  send<N extends RequestName>(name: N, body: Message<N>): Promise<RequestOutcome<AnswerOf<N>>>;
  /** Sends a request and moves time until it has ended. Only one at a time. */
  request<N extends RequestName>(name: N, body: Message<N>, timeout_ms?: number): Promise<RequestOutcome<AnswerOf<N>>>;
  stop(): Promise<void>;
}

export async function virtualBench(targets: SimulatedTarget[]): Promise<VirtualBench> {
  const bundle = await buildBundle("monitoring");
  const rack = await createSimulatedRack({
    rack: "bench",
    serial: "V1",
    bundle: bundle.source,
    seed: 1,
    clock: "virtual",
    targets,
  });
  const received: string[] = [];
  const messages: VirtualBench["messages"] = [];
  let now = 0;
  await rack.transport.open({
    onBytes: (chunk) => received.push(Buffer.from(chunk).toString("latin1")),
    onClose: () => undefined,
  });
  const session = createHostSession(
    { write: (bytes) => rack.transport.write(Buffer.from(bytes, "latin1")), room: () => 65_536 },
    crc16,
    "virtual-bench",
    7,
    {
      onWelcome: () => undefined,
      onMessage: (name, body) => messages.push({ name, body }),
      onLost: () => undefined,
      onPong: () => undefined,
    },
  );
  const run = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 1) {
      now += 1;
      rack.advance(1);
      await new Promise((resolve) => setImmediate(resolve));
      for (const bytes of received.splice(0)) session.rx(bytes, now);
      session.tick(now);
    }
  };
  session.connect(0);
  await run(400);
  return {
    rack,
    session,
    messages,
    run,
    send: (name, body) => new Promise((resolve) => session.request(name, body, 5000, now, resolve)),
    async request(name, body, timeout_ms = 5000) {
      let result: RequestOutcome<AnswerOf<typeof name>> | undefined;
      session.request(name, body, timeout_ms, now, (outcome) => {
        result = outcome;
      });
      while (result === undefined) await run(1);
      return result;
    },
    stop: () => rack.stop(),
  };
}
