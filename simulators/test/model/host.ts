import {
  type Body,
  createHostSession,
  type HostSession,
  type Message,
  nodeSeal,
  type RequestName,
  type RequestOutcome,
} from "@mltb/protocol";
import type { MonitoringRung } from "../bench.ts";

/** The end of a request: what the model names it, and the answer's body. */
export type Ended = (outcome: RequestOutcome, at_ms: number) => void;

/** A host on a rung whose bytes arrive with the step that carries them: nothing waits for the event loop. */
export interface ModelHost {
  now_ms(): number;
  session: HostSession;
  welcome(): Message<"welcome"> | undefined;
  /** The last state that the board has told of each channel by itself. */
  told: (Message<"channel_state"> | undefined)[];
  run(ms: number): Promise<void>;
  /** Runs until the condition holds; false where it does not within the time. */
  until(condition: () => boolean, most_ms: number): Promise<boolean>;
  send<N extends RequestName>(name: N, body: Message<N>, ended: Ended): void;
  /** Everything that was sent has arrived. */
  delivered(): boolean;
  /** Opens the session anew. */
  connect(): Promise<void>;
  /** From here on the host neither sends nor hears, until it connects again. */
  silent: boolean;
  /** Told of the lines of the board's log, and why the link was lost. */
  onLog: ((text: string) => void) | undefined;
}

const REQUEST_MS = 120_000;
const WELCOME_MS = 5000;

export async function createModelHost(rung: MonitoringRung): Promise<ModelHost> {
  let now = 0;
  let welcome: Message<"welcome"> | undefined;
  const told: ModelHost["told"] = [];
  const session = createHostSession(
    { write: (bytes) => void (host.silent || rung.write(Buffer.from(bytes, "latin1"))), room: () => 65_536 },
    nodeSeal,
    "model",
    7,
    {
      onWelcome(body) {
        welcome = body;
        // What was told in the session before may be older than an outage.
        told.length = 0;
      },
      onMessage(name: string, body: Body) {
        if (name === "log") host.onLog?.(`the board says: ${body["text"]}`);
        if (name !== "channel_state") return;
        const state = body as unknown as Message<"channel_state">;
        told[state.channel - 1] = state;
      },
      onLost: (reason) => host.onLog?.(`the link is lost: ${reason}`),
      onPong: () => undefined,
    },
  );
  const host: ModelHost = {
    now_ms: () => now,
    session,
    welcome: () => welcome,
    told,
    silent: false,
    onLog: undefined,
    async run(ms) {
      for (const until = now + ms; now < until; ) {
        await rung.advance(1);
        now += 1;
        const bytes = rung.take();
        if (host.silent) continue;
        if (bytes !== "") session.rx(bytes, now);
        session.tick(now);
      }
    },
    async until(condition, most_ms) {
      for (const end = now + most_ms; !condition(); await host.run(1)) if (now >= end) return false;
      return true;
    },
    send: (name, body, ended) => session.request(name, body, REQUEST_MS, now, (outcome) => ended(outcome, now)),
    delivered: () => session.port.delivery.first === undefined,
    async connect() {
      host.silent = false;
      welcome = undefined;
      session.close();
      session.connect(now);
      if (!(await host.until(() => welcome !== undefined, WELCOME_MS))) throw new Error("the board does not answer");
    },
  };
  await host.connect();
  return host;
}
