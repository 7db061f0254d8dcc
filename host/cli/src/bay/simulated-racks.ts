import { type AgentLauncher, processLauncher } from "@mltb/agent-kit";
import { type Bay, type BayTarget, SIMULATED_SERIAL } from "@mltb/contract";
import { type ControlBay, createSimulatedRack, type SimulatedRack } from "@mltb/simulators";

/** How agents reach the broker; known once the supervisor listens. */
export interface AgentAccess {
  mqtt?: string;
  user?: string;
  passwordFile?: string;
}

/** The simulated racks of a bay by the names of their boards, with real agents behind the targets that ask for one. */
export async function createBayRacks(
  bay: Bay,
  bundle: string,
  mltb: string,
  access: () => AgentAccess,
): Promise<Map<string, SimulatedRack>> {
  const racks = new Map<string, SimulatedRack>();
  for (const rack of bay.racks) {
    if (rack.board.link !== "simulated") continue;
    const made = await createSimulatedRack({
      rack: rack.rack,
      serial: `${SIMULATED_SERIAL}${bay.bay}-${rack.board.name}`,
      bundle,
      seed: rack.board.seed,
      clock: "real",
      targets: rack.targets.map((target) => ({
        name: target.target,
        channel: target.channel,
        load: { idle_w: target.load?.idle_w ?? 0, cpu_w: target.load?.cpu_w ?? 0, boot_w: target.load?.boot_w },
        rail: target.load?.capacitance_uf === undefined ? {} : { capacitance_uf: target.load.capacitance_uf },
        boot:
          target.boot === undefined ? undefined : { duration_ms: target.boot.duration_ms, lines: bootLines(target) },
        launcher: launcherOf(bay, target, mltb, access),
      })),
    });
    racks.set(rack.board.name, made);
  }
  return racks;
}

/**
 * What a simulated rack could not keep up with, in words for the user; undefined when it kept up. Its windows of energy are
 * then short of edges or samples, and the verdicts say no more than that.
 */
export function lateness(rack: string, { late_edges, skipped_us }: SimulatedRack["counters"]): string | undefined {
  if (late_edges === 0 && skipped_us === 0) return undefined;
  const skipped = `${(skipped_us / 1e6).toFixed(1)} s of its time skipped`;
  return `${rack}: this machine was too busy to simulate in real time: ${late_edges} marker edges late, ${skipped}`;
}

function bootLines(target: BayTarget): string[] {
  return [
    "simulated boot loader 1.0",
    "memory test: ok",
    `loading kernel for ${target.target} ...`,
    "starting system services",
    target.agent === undefined ? "no services to start" : `starting the inference agent (${target.agent.runtime})`,
  ];
}

function launcherOf(bay: Bay, target: BayTarget, mltb: string, access: () => AgentAccess): AgentLauncher | undefined {
  const { agent } = target;
  if (agent === undefined) return undefined;
  return processLauncher(() => {
    const { mqtt, user, passwordFile } = access();
    const broker =
      mqtt === undefined || user === undefined || passwordFile === undefined
        ? ["--no-mqtt"]
        : ["--mqtt", mqtt, "--mqtt-user", user, "--mqtt-password-file", passwordFile];
    return {
      file: process.execPath,
      args: [
        ...[mltb, "agent", "inference", "--runtime", agent.runtime, "--threads", String(agent.threads)],
        ...["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--metrics", "127.0.0.1:0"],
        ...["--bay", bay.bay, "--name", target.target, "--target", target.target],
        ...(agent.oip_ca === undefined ? [] : ["--oip-ca", agent.oip_ca]),
        ...(agent.oip_token_file === undefined ? [] : ["--oip-token-file", agent.oip_token_file]),
        ...broker,
      ],
    };
  });
}

/** The simulated racks as control requests name them. */
export function bayControl(bay: Bay, racks: Map<string, SimulatedRack>): ControlBay {
  const boardOf = (rack: string): string => bay.racks.find((entry) => entry.rack === rack)?.board.name ?? "";
  return {
    board: (name) => racks.get(name),
    rack: (name) => racks.get(boardOf(name)),
    target: (name) => [...racks.values()].find((rack) => rack.channelOf(name) !== undefined),
  };
}
