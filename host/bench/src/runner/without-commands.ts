import type { BayRack } from "@mltb/contract";
import type { Experiment } from "../configurator/types.ts";

/** A rack whose electronics are switched by commands, with nothing but the program's name of each. */
function withoutArguments(rack: BayRack): BayRack {
  const { link } = rack.board;
  if (typeof link === "string" || !("exec" in link)) return rack;
  const { on, off, status, reset } = link.exec.commands;
  const program = (command: string[]): string[] => command.slice(0, 1);
  const commands = {
    on: program(on),
    off: program(off),
    ...(status === undefined ? {} : { status: program(status) }),
    ...(reset === undefined ? {} : { reset: program(reset) }),
  };
  return { ...rack, board: { ...rack.board, link: { exec: { ...link.exec, commands } } } };
}

/**
 * Experiments as they may be kept and shown: a run's folder is given to others, and every login reads stored configurations. The
 * arguments of a bay's commands, which may hold the password of a power strip, stay in the bay file; no experiment runs them.
 */
export function withoutCommands(experiments: Experiment[]): Experiment[] {
  return experiments.map((experiment) => {
    const racks = experiment.bay.racks.map(withoutArguments);
    return { ...experiment, bay: { ...experiment.bay, racks } };
  });
}
