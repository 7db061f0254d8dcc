import type { InferenceAgentOptions } from "@mltb/agent-inference";
import { cliError, Exit } from "../errors.ts";
import { action, type Command, parseHostMaybePort, parseHostPort, parseInteger } from "../program.ts";

/** `mltb agent inference`: serves models over the Open Inference Protocol. */
export function registerAgent(program: Command): void {
  const agent = program.command("agent").description("run a board agent");
  agent
    .command("inference")
    .description("serve models over the Open Inference Protocol (gRPC) and measure them")
    .option("--models <dir>", "model repository: DIR/NAME/VERSION/model.onnx and DIR/NAME.onnx")
    .option(
      "--runtime <name>",
      "runtime: ort, ort-web, litert, or oip://HOST:PORT (oips:// over TLS) for a foreign server",
      "ort",
    )
    .option("--grpc <host:port>", "address of the gRPC service (default 127.0.0.1:8001 or a free port)", parseHostPort)
    .option("--http <host:port>", "address of the REST service (default 127.0.0.1:8000 or a free port)", parseHostPort)
    .option("--metrics <host:port>", "address of the metrics (default 127.0.0.1:8002 or a free port)", parseHostPort)
    .option(
      "--advertise <host[:port]>",
      "where others can call the agent, for its announcement (default: where it listens)",
      parseHostMaybePort,
    )
    .option("--mqtt <url>", "broker on which the agent announces itself")
    .option("--no-mqtt", "do not announce the agent")
    .option("--mqtt-user <user>", "user at the broker")
    .option("--mqtt-password-file <file>", "file with the password at the broker")
    .option("--bay <name>", "bay in whose topics the agent announces itself")
    .option("--name <name>", "name of the agent")
    .option("--target <name>", "target that the agent serves")
    .option("--threads <n>", "threads inside an operator", parseInteger(1, 256), 1)
    .option("--memory-limit <mib>", "memory that one model may use, in MiB", parseInteger(64, 1_048_576), 2048)
    .option(
      "--time-limit <s>",
      "longest time of one inference (loading a model has a minute at least)",
      parseInteger(1, 86_400),
      60,
    )
    .option(
      "--message-limit <mib>",
      "largest request, in MiB (default 2047 over gRPC, 1024 over HTTP)",
      parseInteger(1, 2047),
    )
    .option(
      "--marker <file>",
      "file that takes 1 and 0: the output wired to the rack's marker input (docs/inference.md)",
    )
    .option("--tls <dir>", "folder with cert.pem and key.pem; needed outside loopback")
    .option("--token-file <file>", "file with the bearer token; needed outside loopback")
    .option("--oip-ca <file>", "certificates (PEM) for the server of oips://HOST:PORT (default: those that Node knows)")
    .option("--oip-token-file <file>", "file with the bearer token for the server of oips://HOST:PORT")
    .option("--json", "accepted for symmetry: the first line is JSON in any case")
    .action(
      action(async (context, flags: InferenceAgentOptions) => {
        const { runInferenceAgent, runtimeNames, isRuntime } = await import("@mltb/agent-inference");
        if (!isRuntime(flags.runtime)) {
          const message = `there is no runtime ${flags.runtime}`;
          throw cliError(
            Exit.usage,
            "unknown-runtime",
            message,
            `one of ${runtimeNames.join(", ")}, oip://HOST:PORT, oips://HOST:PORT`,
          );
        }
        await runInferenceAgent(flags, {
          signal: context.signal,
          line: (text) => process.stdout.write(`${text}\n`),
          note: context.note,
        });
        return Exit.done;
      }),
    );
}
