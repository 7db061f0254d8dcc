import { once } from "node:events";
import { connect } from "node:http2";
import { expect, test } from "vitest";
import { readAccess } from "../src/access.ts";
import { serveGrpc } from "../src/grpc.ts";

test("a large request may come in large pieces: windows of a call and of the connection, and frames", async () => {
  const { port, close } = await serveGrpc({
    ...{ host: "127.0.0.1", port: 0, access: readAccess({}), limit_bytes: 1e6, inference: {}, bench: {}, instance: "" },
    onCall: () => undefined,
  });
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    await once(session, "remoteSettings");
    expect(session.remoteSettings).toMatchObject({ initialWindowSize: 8 * 2 ** 20, maxFrameSize: 2 ** 20 });
    // Its own frame, which may come later than the settings.
    while ((session.state.remoteWindowSize ?? 0) < 8 * 2 ** 20) await new Promise((done) => setTimeout(done, 5));
  } finally {
    session.destroy();
    await close();
  }
});
