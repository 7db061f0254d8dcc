import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { readToken } from "../access.ts";
import { datatype } from "../datatypes.ts";
import { inferenceClient } from "../grpc.ts";
import { valuesToRaw } from "../oip/contents.ts";
import type { ForeignServer, Runtime, Tensor, TensorInfo } from "./runtime.ts";

interface Metadata {
  inputs: { name: string; datatype: string; shape: string[] }[];
  outputs: { name: string; datatype: string; shape: string[] }[];
}

interface Answer {
  outputs: { name: string; datatype: string; shape: string[]; contents: Record<string, unknown[]> | null }[];
  raw_output_contents: Uint8Array[];
}

type Client = ReturnType<typeof inferenceClient>;

/** A client of a server; throws where a file that it needs cannot be read or holds no token. */
function openClient({ address, tls, ca, token_file }: ForeignServer): Client {
  const token = token_file === undefined ? undefined : readToken(token_file);
  if (!tls) return inferenceClient(address, { token });
  return inferenceClient(address, { tls: { ca: ca === undefined ? null : readFileSync(ca) }, token });
}

function infos(tensors: Metadata["inputs"]): TensorInfo[] {
  return tensors.map(({ name, datatype: type, shape }) => ({ name, type, shape: shape.map(Number) }));
}

/** Hands the file to the server; false where it takes none, as servers do whose models are fixed. */
async function offer(client: Client, name: string, file: string): Promise<boolean> {
  const parameters = {
    config: { string_param: JSON.stringify({ backend: "onnxruntime", max_batch_size: 0 }) },
    [`file:1/model${extname(file)}`]: { bytes_param: await readFile(file) },
  };
  try {
    await client.call("RepositoryModelLoad", { model_name: name, parameters });
    return true;
  } catch (error) {
    process.stderr.write(`the server takes no model: ${(error as Error).message}\n`);
    return false;
  }
}

/** Raw bytes of an output, whichever form the server chose. */
function rawOutput(answer: Answer, at: number): Uint8Array {
  const output = answer.outputs[at];
  const raw = answer.raw_output_contents[at];
  if (raw !== undefined) return raw;
  const type = datatype(output?.datatype ?? "");
  const values = type?.contents == null ? undefined : output?.contents?.[type.contents];
  if (type === undefined || values === undefined) throw new Error(`the server sent no values of ${output?.name}`);
  return valuesToRaw(values, type);
}

/**
 * A foreign server of the Open Inference Protocol as a runtime: `run` is the round trip to it. Name and version are the
 * server's; where it takes no model files, its own model of that name is used and the version says so.
 */
export const runtime: Runtime = {
  name: "oip",
  version: "",
  async load({ name, file, version = "", server: foreign }) {
    if (foreign === undefined) throw new Error("no server was named");
    const client = openClient(foreign);
    const server = await client.call<{ name: string; version: string }>("ServerMetadata", {});
    const taken = file === "" || (await offer(client, name, file));
    const metadata = await client.call<Metadata>("ModelMetadata", { name, version });
    runtime.name = `oip:${server.name}`;
    runtime.version = taken ? server.version : `${server.version}, the server's own model`;
    const inputs = infos(metadata.inputs);
    const outputs = infos(metadata.outputs);
    return {
      inputs,
      outputs,
      prepare: (tensors) => ({
        model_name: name,
        model_version: version,
        inputs: tensors.map(({ type, dims }, i) => ({ name: inputs[i]?.name, datatype: type, shape: dims })),
        raw_input_contents: tensors.map((tensor) => tensor.data),
      }),
      run: (feed) => client.call<Answer>("ModelInfer", feed as object),
      read(result) {
        const answer = result as Answer;
        return outputs.map((info): Tensor => {
          const at = answer.outputs.findIndex((output) => output.name === info.name);
          if (at < 0) throw new Error(`the server gave no output ${info.name}`);
          return { type: info.type, dims: answer.outputs[at]?.shape.map(Number) ?? [], data: rawOutput(answer, at) };
        });
      },
    };
  },
};

/** Models that a server has, from its index. */
export async function modelsOf(server: ForeignServer): Promise<{ name: string; version: string }[]> {
  const client = openClient(server);
  try {
    const { models } = await client.call<{ models: { name: string; version: string; state: string }[] }>(
      "RepositoryIndex",
      { ready: true },
    );
    return models.filter((row) => row.state.endsWith("READY"));
  } finally {
    client.close();
  }
}
