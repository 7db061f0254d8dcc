import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { buildImage, type ImageBoardName, imageBoards, missingImagePackages, portFlags } from "@mltb/firmware/images";
import { describe, expect, test } from "vitest";

const port = new URL("../../firmware/lua-runtime/port/", import.meta.url).pathname;

/** Lines with code, decision 0008. */
const LINES = { product: 3200, machines: 420 };
/** What only the boards in QEMU have. */
const MACHINES = /^(ast1030|lm3s6965|cortexm|ns16550)\.[ch]$/;

function codeLines(name: string): number {
  const code = readFileSync(`${port}${name}`, "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  return code.split("\n").filter((line) => line.trim() !== "").length;
}

/**
 * Runs the compiler; throws with what it finds. Other files of the suite write Lua's headers anew meanwhile, as they do for each
 * bundle: one that is cut short just then is whole a moment later, and a finding stays.
 */
async function analysed(flags: string[], attempts = 3): Promise<void> {
  try {
    await promisify(execFile)("arm-none-eabi-gcc", flags);
  } catch (error) {
    if (attempts === 1) throw error;
    await new Promise((resolve) => setTimeout(resolve, 500));
    await analysed(flags, attempts - 1);
  }
}

describe.skipIf(missingImagePackages().length > 0)("the C port", () => {
  test.each(Object.keys(imageBoards) as ImageBoardName[])("static analysis of the %s port is clean", async (board) => {
    const { elf } = await buildImage(board);
    for (const source of imageBoards[board].sources.filter((name) => name.endsWith(".c"))) {
      const flags = [...portFlags(board, dirname(elf), "x"), "-fanalyzer", "-c", "-o", "/dev/null", `${port}${source}`];
      await analysed(flags);
    }
  });

  test("it stays small", () => {
    // The gauge is a test bench on another machine, not part of the port.
    const own = readdirSync(port).filter((name) => /\.[ch]$/.test(name) && name !== "gauge.c");
    const sum = (names: string[]): number => names.reduce((lines, name) => lines + codeLines(name), 0);
    expect(sum(own.filter((name) => !MACHINES.test(name)))).toBeLessThanOrEqual(LINES.product);
    expect(sum(own.filter((name) => MACHINES.test(name)))).toBeLessThanOrEqual(LINES.machines);
  });
});
