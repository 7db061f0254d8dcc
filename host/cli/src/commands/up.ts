import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createSecureContext } from "node:tls";
import { bringUp, type RunningBay } from "../bay/bring-up.ts";
import { stateFolder } from "../bay/state.ts";
import { readSecret } from "../client/find-bay.ts";
import { cliError, Exit } from "../errors.ts";
import { createSteps, silentSteps } from "../output/steps.ts";
import { action, type Command, InvalidArgumentError, onReload, parseChoice, parseHostPort } from "../program.ts";

interface HostPort {
  host: string;
  port: number;
}

export interface UpOptions {
  bay: string;
  http?: HostPort;
  mqtt?: HostPort;
  grpc?: HostPort;
  broker?: string;
  brokerUser?: string;
  brokerPasswordFile?: string;
  brokerCa?: string;
  onEnd: "off" | "keep";
  state?: string;
  simControl?: string;
  tls?: { cert: Buffer; key: Buffer; certFile: string };
  insecureListen?: boolean;
  compat?: boolean;
  compatPdudaemon?: HostPort;
  allowHost: string[];
  log: string;
}

/** `CERT,KEY`: two PEM files. */
function parseTls(text: string): { cert: Buffer; key: Buffer; certFile: string } {
  const [cert, key, ...more] = text.split(",");
  if (cert === undefined || key === undefined || more.length > 0 || cert === "" || key === "") {
    throw new InvalidArgumentError("CERT,KEY is wanted: two PEM files.");
  }
  try {
    const pair = { cert: readFileSync(cert), key: readFileSync(key), certFile: resolve(cert) };
    createSecureContext({ cert: pair.cert, key: pair.key });
    return pair;
  } catch (error) {
    throw new InvalidArgumentError(`these are no certificate and key: ${(error as Error).message}.`);
  }
}

/** Ports of the listeners where none is named. */
export const defaultPorts = { http: 8480, mqtt: 1883, grpc: 8481 };

/** A password in the address would stand in messages, logs and `bay.json`. */
function checkBroker(text: string): void {
  const url = URL.parse(text);
  if (url === null || !["mqtt:", "mqtts:"].includes(url.protocol)) {
    throw cliError(Exit.usage, "usage", "--broker wants an address such as mqtt://127.0.0.1:1883");
  }
  if (url.username === "" && url.password === "") return;
  const mend = "name them with --broker-user and --broker-password-file";
  throw cliError(Exit.usage, "usage", `the address of --broker holds a user or a password: ${mend}`);
}

/** The listener to ask for: a named port must be free, a default one gives way to a free one. */
export function listener(named: HostPort | undefined, port: number): HostPort & { named: boolean } {
  return named === undefined ? { host: "127.0.0.1", port, named: false } : { ...named, named: true };
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** `mltb up`: brings a bay up and keeps it up until SIGINT or SIGTERM. */
export function registerUp(program: Command): void {
  program
    .command("up")
    .description(
      "bring a bay up and keep it up until Ctrl-C; then, unless told otherwise, its targets are switched off and proved off",
    )
    .requiredOption("--bay <file>", "bay file (YAML)")
    .option(
      "--http <host:port>",
      `address of the HTTP API (default 127.0.0.1:${defaultPorts.http} or a free port)`,
      parseHostPort,
    )
    .option(
      "--mqtt <host:port>",
      `address of the embedded broker (default 127.0.0.1:${defaultPorts.mqtt} or a free port)`,
      parseHostPort,
    )
    .option(
      "--grpc <host:port>",
      `address of the gRPC API mltb.board.v1 (default 127.0.0.1:${defaultPorts.grpc} or a free port)`,
      parseHostPort,
    )
    .option(
      "--broker <url>",
      "use this MQTT broker (5 or 3.1.1) instead of the embedded one, such as mqtt://127.0.0.1:1883",
    )
    .option("--broker-user <user>", "user at that broker")
    .option("--broker-ca <file>", "certificates (PEM) that a broker at mqtts:// is checked against")
    .option("--broker-password-file <file>", "file with the password at that broker")
    .option("--tls <cert,key>", "serve HTTP, gRPC and the embedded broker over TLS: two PEM files", parseTls)
    .option("--insecure-listen", "listen without TLS on other addresses than loopback")
    .option(
      "--allow-host <name>",
      "a name under which the bay is reached, such as that of a proxy; may be repeated",
      (name: string, all: string[]) => [...all, name],
      [] as string[],
    )
    .option("--compat", "also serve pdudaemon's verbs, labgrid's rest back end and Redfish, with HTTP Basic")
    .option(
      "--compat-pdudaemon <host:port>",
      "serve pdudaemon's verbs without login on a loopback address, such as 127.0.0.1:16421",
      parseHostPort,
    )
    .option(
      "--on-end <what>",
      "targets at the end: off (switched off and proved), or keep (as they are, for a service that is restarted; what the bay file says of host loss counts from then on)",
      parseChoice(["off", "keep"]),
      "off",
    )
    .option("--state <dir>", "folder for address, secrets and journals (default: $XDG_STATE_HOME/mltb)")
    .option("--sim-control <socket>", "open the control socket of the simulation (Unix socket)")
    .option("--log <level>", "level of the log on standard error: trace, debug, info, warn, error", "warn")
    .option("--json", "print one JSON document a line on standard output")
    .action(
      action(async (context, options: UpOptions) => {
        if (options.broker !== undefined && options.mqtt !== undefined) {
          throw cliError(Exit.usage, "usage", "--mqtt and --broker exclude each other");
        }
        if (options.broker !== undefined) checkBroker(options.broker);
        let running: RunningBay | undefined;
        let early = false;
        // SIGUSR2 comes from `mltb reload`. A service manager's SIGHUP means the same; a terminal's, that the terminal is gone.
        onReload(process.stdin.isTTY === true ? ["SIGUSR2"] : ["SIGUSR2", "SIGHUP"], () => {
          if (running === undefined) early = true;
          else void running.reload();
        });
        const started = await bringUp({
          reloads: true,
          bayFile: options.bay,
          http: listener(options.http, defaultPorts.http),
          mqtt:
            options.broker === undefined
              ? listener(options.mqtt, defaultPorts.mqtt)
              : {
                  broker: options.broker,
                  ...(options.brokerCa === undefined
                    ? {}
                    : { ca: Buffer.from(readSecret(options.brokerCa, "certificate file")) }),
                  user: options.brokerUser ?? "",
                  password:
                    options.brokerPasswordFile === undefined
                      ? ""
                      : readSecret(options.brokerPasswordFile, "password file"),
                },
          grpc: listener(options.grpc, defaultPorts.grpc),
          stateDir: stateFolder(options.state),
          simControl: options.simControl,
          tls: options.tls,
          compat: options.compat,
          ...(options.compatPdudaemon === undefined
            ? {}
            : { compatPdudaemon: listener(options.compatPdudaemon, options.compatPdudaemon.port) }),
          insecure: options.insecureListen,
          allowHosts: options.allowHost,
          steps: context.json ? silentSteps : createSteps(),
          logLevel: options.log,
          keepTargets: options.onEnd === "keep",
          signal: context.signal,
        });
        running = started;
        if (early) void started.reload();
        const { state } = started;
        const ready = {
          event: "ready",
          bay: state.bay,
          http: state.http,
          grpc: state.grpc,
          mqtt: state.mqtt,
          token_file: state.token_file,
          mqtt_user: state.mqtt_user,
          mqtt_password_file: state.mqtt_password_file,
          targets: state.targets,
          agents: started.agents(),
          ...(options.simControl === undefined ? {} : { sim_control: options.simControl }),
        };
        context.print(ready, () =>
          [
            `bay ${state.bay} is up${state.simulated ? " (simulated boards and rails)" : ""}; Ctrl-C ends it`,
            `  http        ${state.http}`,
            `  grpc        ${state.grpc}`,
            `  mqtt        ${state.mqtt} (user ${state.mqtt_user})`,
            `  token file  ${state.token_file}`,
            `  targets     ${state.targets.join(", ")}`,
          ].join("\n"),
        );
        await aborted(context.signal);
        context.note(
          options.onEnd === "keep" ? "leaving the targets as they are ..." : "switching the targets off ...",
        );
        await started.stop();
        context.note("stopped");
        return Exit.done;
      }),
    );
}
