import { expect, test } from "vitest";
import { addressesOf, advertised } from "./addresses.ts";

const everywhere = {
  grpc: { host: "0.0.0.0", port: 8001 },
  http: { host: "0.0.0.0", port: 8000 },
  metrics: { host: "127.0.0.1", port: 8002 },
};

test("an agent is announced under the host that is advertised, gRPC on the port that is", () => {
  expect(addressesOf(advertised(everywhere, { host: "jetson.lan" }), "https")).toEqual({
    grpc: "jetson.lan:8001",
    http: "https://jetson.lan:8000",
    metrics: "https://jetson.lan:8002/metrics",
  });
  expect(addressesOf(advertised(everywhere, { host: "fd00::2", port: 9001 }), "http").grpc).toBe("[fd00::2]:9001");
  expect(addressesOf(advertised(everywhere, undefined), "http").grpc).toBe("0.0.0.0:8001");
});
