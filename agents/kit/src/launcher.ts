import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { AgentEvents, AgentLauncher, RunningAgent } from "./launcher-port.ts";
import type { AgentMessage } from "./messages.ts";

/** Time that a stopped agent has to drain before it is killed. */
const STOP_MS = 3000;

/**
 * Starts agents as child processes with an IPC channel, each the leader of a process group of its own, so that `kill`
 * takes its model processes with it. `command` is asked at every start for the program and its arguments.
 */
export function processLauncher(
  command: () => { file: string; args: string[]; env?: NodeJS.ProcessEnv },
): AgentLauncher {
  return {
    launch(events: AgentEvents): RunningAgent {
      const { file, args, env } = command();
      const child = spawn(file, args, {
        stdio: ["ignore", "pipe", "pipe", "ipc"],
        detached: true,
        env: { ...process.env, ...env },
      });
      const exited = new Promise<void>((resolve) => {
        child.once("exit", (code, signal) => {
          resolve();
          events.onModelProcess(null);
          events.onExit(code, signal);
        });
        child.once("error", (error) => {
          resolve();
          events.onLine(`the agent could not be started: ${error.message}`);
          events.onExit(null, null);
        });
      });
      for (const stream of [child.stdout, child.stderr]) {
        if (stream !== null) createInterface({ input: stream }).on("line", events.onLine);
      }
      child.on("message", (message: AgentMessage) => {
        if (message.type === "ready") events.onReady({ grpc: message.grpc });
        else if (message.type === "marker") events.onMarker(message.level, BigInt(message.at_ns));
        else if (message.type === "model-process") events.onModelProcess(message.pid);
        else events.onCpuTime(BigInt(message.cpu_ns), BigInt(message.at_ns));
      });

      function kill(): void {
        if (child.pid === undefined || child.exitCode !== null) return;
        try {
          process.kill(-child.pid, "SIGKILL");
        } catch (error) {
          // The group ended between the test and the signal.
          if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
        }
      }

      return {
        pid: child.pid,
        kill,
        async stop() {
          child.kill("SIGTERM");
          const timer = setTimeout(kill, STOP_MS);
          await exited;
          clearTimeout(timer);
        },
      };
    },
  };
}
