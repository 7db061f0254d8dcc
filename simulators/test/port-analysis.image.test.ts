import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { buildImage, type ImageBoardName, imageBoards, missingImagePackages, portFlags } from "@mltb/firmware/images";
import { describe, expect, test } from "vitest";

const port = new URL("../../firmware/lua-runtime/port/", import.meta.url).pathname;

/** Lines of the port, docs/firmware.md: about 2,500 were aimed at, before there were three machines. */
const LINES = 3200;

describe.skipIf(missingImagePackages().length > 0)("the C port", () => {
  test.each(Object.keys(imageBoards) as ImageBoardName[])("static analysis of the %s port is clean", async (board) => {
    const { elf } = await buildImage(board);
    for (const source of imageBoards[board].sources.filter((name) => name.endsWith(".c"))) {
      const flags = [...portFlags(board, dirname(elf), "x"), "-fanalyzer", "-c", "-o", "/dev/null", `${port}${source}`];
      await promisify(execFile)("arm-none-eabi-gcc", flags);
    }
  });

  test("it stays small", () => {
    // The gauge is a test bench on another machine, not part of the port.
    const own = readdirSync(port).filter((name) => /\.[ch]$/.test(name) && name !== "gauge.c");
    const lines = own.reduce((sum, name) => sum + readFileSync(`${port}${name}`, "utf8").split("\n").length - 1, 0);
    expect(lines).toBeLessThanOrEqual(LINES);
  });
});
