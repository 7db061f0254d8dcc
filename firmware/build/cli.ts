// npm run -s firmware -- build|size|image [BOARD] [--json]
import { Argument, Command, CommanderError, InvalidArgumentError } from "commander";
import { buildImage, type ImageBoardName, imageBoards } from "../lua-runtime/build.ts";
import { ImageBuildError, isToolMissing } from "../lua-runtime/errors.ts";
import { type BoardName, boards, buildBundle, FirmwareBuildError, sourceOfLine } from "./bundle.ts";
import { rewriteFigures } from "./figures.ts";
import { provenance } from "./provenance.ts";
import { writeResult } from "./results.ts";
import { measureSizes } from "./size.ts";
import { sizeExit } from "./size-document.ts";

// INTERFACES section 2: wrong usage exits 2. Subcommands take the setting over when they are made.
const program = new Command("firmware").description("build the firmware bundle and check its budgets").exitOverride();

program
  .command("build")
  .description("transpile the bundle of a board")
  .addArgument(new Argument("[board]", "kind of board").choices([...boards]).default("monitoring"))
  .option("--json", "print one JSON document on standard output")
  .action(async (board: BoardName, options: { json?: boolean }) => {
    const { name, path, sha256, sourceLines } = await buildBundle(board);
    console.log(
      options.json
        ? JSON.stringify({ name, path, sha256, source_lines: sourceLines })
        : `${name}: ${path}\nsha256 ${sha256}`,
    );
  });

program
  .command("size")
  .description("sizes and budgets; a budget that fails exits 1")
  .option("--json", "print one JSON document on standard output")
  .option("--write", "keep the sizes in docs/results/ and write every figure of the pages from the results there")
  .action(async (options: { json?: boolean; write?: boolean }) => {
    const sizes = await measureSizes();
    if (options.write === true) {
      const kept = writeResult("sizes", {
        command: "npm run -s firmware -- size --write",
        of: await provenance(),
        sizes,
      });
      for (const path of [kept, ...rewriteFigures()]) console.error(`wrote ${path}`);
    }
    if (options.json) console.log(JSON.stringify(sizes));
    else {
      for (const bundle of sizes.bundles) {
        console.log(
          `${bundle.name}: ${bundle.source_lines} lines of Lua, ${bundle.bytecode_bytes ?? "-"} bytes of stripped bytecode`,
        );
        console.log(
          `heap ${bundle.heap_boot_bytes.i64 ?? "-"} bytes after boot and full collection; lualib: ${bundle.lualib.join(", ") || "none"}`,
        );
      }
      for (const image of sizes.images) {
        console.log(
          `${image.board} image: ${image.image_bytes} bytes of flash, ${image.static_ram_bytes} of static RAM`,
        );
      }
      const counts = Object.entries(sizes.instructions).map(([name, count]) => `${name} ${count ?? "-"}`);
      console.log(`instructions (Cortex-M3 on QEMU): ${counts.join(", ")}`);
      for (const budget of sizes.budgets) {
        const verdict = budget.ok === null ? `not measured: ${budget.reason}` : budget.ok ? "ok" : "EXCEEDED";
        console.log(`${budget.name}: ${budget.value ?? "-"} of ${budget.limit} ${verdict}`);
      }
    }
    process.exitCode = sizeExit(sizes.budgets);
  });

function lineNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError("a whole number from 1 on is wanted.");
  return Number(text);
}

program
  .command("where")
  .description("where a line of a packed bundle comes from: the LINE of `bundle:LINE:` in an error of a board in Node")
  .argument("<line>", "line of the bundle", lineNumber)
  .addArgument(new Argument("[board]", "kind of board").choices([...boards]).default("monitoring"))
  .action(async (line: number, board: BoardName) => {
    const place = await sourceOfLine(board, line);
    if (place === undefined) {
      console.error(`error: line ${line} of the bundle ${board} comes from no line of a source`);
      process.exitCode = 2;
    } else console.log(place);
  });

program
  .command("image")
  .description("build the microcontroller image of a board, from Lua's sources in Debian's source package")
  .addArgument(new Argument("[board]", "controller").choices(Object.keys(imageBoards)).default("rp2040"))
  .option("--json", "print one JSON document on standard output")
  .action(async (board: ImageBoardName, options: { json?: boolean }) => {
    console.error(`building the ${board} image ...`);
    const image = await buildImage(board);
    if (options.json) console.log(JSON.stringify(image));
    else {
      console.log(
        `${image.board}: ${image.elf}\n${image.bin}${image.uf2 === null ? "" : `\n${image.uf2}`}\nbundle sha256 ${image.bundle_sha256}`,
      );
      console.log(
        `text ${image.text}, data ${image.data}, bss ${image.bss}; static RAM with stack ${image.static_ram_bytes}, flash ${image.image_bytes} bytes`,
      );
    }
  });

/** INTERFACES section 2: with `--json` an error is a document on standard output, beside its text for people. */
function fail(code: string, message: string, exitCode: number): void {
  if (process.argv.includes("--json")) console.log(JSON.stringify({ errors: [{ code, message }] }));
  process.exitCode = exitCode;
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0) fail("usage", error.message.replace(/^error: /, ""), 2);
  } else if (error instanceof ImageBuildError || error instanceof FirmwareBuildError) {
    console.error(`error: ${error.message}`);
    // 4: a tool or the package mirror is out of reach. 1: the sources do not build.
    const away = isToolMissing(error) || (error instanceof ImageBuildError && error.code === 1);
    fail(away ? "unreachable" : "build", error.message, away ? 4 : 1);
  } else {
    const { message } = error as Error;
    console.error(`error: ${message}`);
    fail("internal", message, 5);
  }
}
