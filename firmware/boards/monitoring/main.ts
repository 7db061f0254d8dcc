import { crc16, createBoardSession, tableFingerprint } from "@mltb/protocol";
export function boot(hal: { write(this: void, s: string): void; room(this: void): number }) {
  const s = createBoardSession({ write: hal.write, room: hal.room }, crc16, {
    welcome: () => ({
      major: 1,
      minor: 0,
      nonce: 0,
      epoch: 5,
      window: 4,
      body_limit: 235,
      fingerprint: tableFingerprint(),
      reset_cause: 0,
      uptime_ms: 0,
      kind: "monitoring",
      serial: "x",
      firmware: "1",
      capabilities: "power:1",
    }),
    onRequest: (_n, body, tag) => s.answer(tag, "echo_answer", { data: body["data"] as string }),
    onHost: () => {},
    clock: () => ({ tick_us: 1, uptime_ms: 2 }),
  });
  return { rx: s.rx, tick: s.tick };
}
