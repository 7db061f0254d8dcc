import { readFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoFile } from "@mltb/contract";

/** How a call ended: its answer, or the status with the bay's stable code. */
export type Ended = { answer: Record<string, unknown> } | { status: number; code: string; details: string };

export interface BoardClient {
  /** `more`: further metadata. */
  call(method: string, request: Record<string, unknown>, token?: string, more?: Record<string, string>): Promise<Ended>;
  close(): void;
}

type Method = (
  request: unknown,
  metadata: grpc.Metadata,
  done: (error: grpc.ServiceError | null, answer: Record<string, unknown>) => void,
) => void;

/** A client of `mltb.board.v1`, made from the proto file as any other program would. `ca`: over TLS, with this certificate trusted. */
export function boardClient(address: string, tokenFile: string, ca?: Buffer): BoardClient {
  const definition = loadSync(protoFile("mltb_board_v1"), { keepCase: true, longs: Number, oneofs: true });
  const loaded = grpc.loadPackageDefinition(definition) as unknown as {
    mltb: { board: { v1: { BoardService: grpc.ServiceClientConstructor } } };
  };
  const client = new loaded.mltb.board.v1.BoardService(
    address,
    ca === undefined ? grpc.credentials.createInsecure() : grpc.credentials.createSsl(ca),
  );
  const own = readFileSync(tokenFile, "utf8").trim();
  return {
    call(method, request, token = own, more = {}) {
      const metadata = new grpc.Metadata();
      if (token !== "") metadata.set("authorization", `Bearer ${token}`);
      for (const [name, value] of Object.entries(more)) metadata.set(name, value);
      return new Promise((resolve) => {
        (client[method] as unknown as Method).call(client, request, metadata, (error, answer) => {
          if (error === null) resolve({ answer });
          else {
            const code = String(error.metadata.get("mltb-code")[0] ?? "");
            resolve({ status: error.code, code, details: error.details });
          }
        });
      });
    },
    close: () => client.close(),
  };
}
