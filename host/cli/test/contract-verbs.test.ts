import { calls } from "@mltb/contract";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { mltbProgram } from "../src/main.ts";

/** What is wrong with a command line as the contract shows it; nothing where it could be typed so. */
function problem(line: string): string | undefined {
  const [name, ...words] = line.split(" ");
  if (name !== "mltb") return "does not begin with mltb";
  let at: Command = mltbProgram();
  let given = 0;
  for (let n = 0; n < words.length; n += 1) {
    const word = words[n] as string;
    const below = at.commands.find((command) => [command.name(), ...command.aliases()].includes(word));
    if (below !== undefined && given === 0) at = below;
    else if (word.startsWith("--")) {
      const option = at.options.find(({ long }) => long === word);
      if (option === undefined) return `${at.name()} has no option ${word}`;
      if (option.required) n += 1;
    } else if (at.registeredArguments.length === 0) return `${at.name()} has no command and takes no argument ${word}`;
    else given += 1;
  }
  const most = at.registeredArguments.some(({ variadic }) => variadic) ? Infinity : at.registeredArguments.length;
  const least = at.registeredArguments.filter(({ required }) => required).length;
  if (given > most) return `${at.name()} takes at most ${most} arguments`;
  return given < least ? `${at.name()} wants ${least} arguments` : undefined;
}

/** The lines that one with words such as `on|off` stands for. */
function each(line: string): string[] {
  const word = line.split(" ").find((one) => one.includes("|"));
  return word === undefined ? [line] : word.split("|").flatMap((one) => each(line.replace(word, one)));
}

test("every command line that the contract names can be typed so", () => {
  const lines = [...new Set(calls().flatMap(({ call }) => (call.cli === undefined ? [] : each(call.cli))))];
  expect(lines.length).toBeGreaterThan(20);
  expect(lines.map((line) => [line, problem(line)]).filter(([, what]) => what !== undefined)).toEqual([]);
  expect(problem("mltb firmware status")).toBe("firmware has no command and takes no argument status");
  expect(problem("mltb faults TARGET --rearm FAULT")).toBe("faults takes at most 1 arguments");
});
