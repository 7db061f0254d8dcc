// npm run -s hardware -- check|docs [--bay FILE] [--json]
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { designs, generatedFiles } from "../pages/index.ts";
import { checkBay } from "../src/checks/bay.ts";
import type { Finding } from "../src/checks/finding.ts";
import { checkBoard } from "../src/checks/index.ts";
import { rackDesign } from "../src/designs/rack.ts";
import { BayFileError, readBay } from "./bay-file.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const exampleBay = join(root, "examples", "demo-bay.yml");
const shown = (file: string): string => relative(process.cwd(), file) || file;

interface Options {
  bay: string;
  json?: boolean;
}

interface Fault extends Finding {
  file?: string;
  line?: number;
  column?: number;
}

/** Checks of all boards, and of a bay; every fault of the bay has its place in the file. */
function check({ bay: name, json }: Options): void {
  const file = resolve(name);
  const boards = designs.map((design) => ({ name: design.name, revision: design.revision, ...checkBoard(design) }));
  const read = readBay(file);
  const wiring = checkBay(read.bay, rackDesign);
  const faults: Fault[] = [
    ...boards.flatMap(({ findings }) => findings),
    ...wiring.findings.map((finding, n) => ({ ...finding, file, ...read.place(wiring.paths[n] ?? []) })),
  ];
  process.exitCode = faults.length === 0 ? 0 : 2;
  for (const { board, subject, message, mend, ...at } of faults) {
    const place = at.file === undefined ? "" : `${shown(at.file)}:${at.line}:${at.column}: `;
    console.error(`${place}error: ${board}: ${subject}: ${message}; ${mend}`);
  }
  if (json) {
    const errors = faults.map(({ mend, board, subject, message, ...rest }) => ({
      ...rest,
      message: `${board}: ${subject}: ${message}`,
      suggestion: mend,
    }));
    const document =
      errors.length > 0
        ? { errors }
        : {
            schema: "mltb.hardware-check/1",
            boards: boards.map(({ name: board, revision, figures }) => ({ board, revision, figures })),
            bay: { bay: read.bay.bay, file, figures: wiring.figures },
          };
    console.log(JSON.stringify(document));
  } else if (faults.length === 0) {
    for (const { name: board, revision, figures } of boards) {
      console.log(
        `${board}, revision ${revision.toUpperCase()}: no clash, ${figures.length} figures within their limits`,
      );
    }
    console.log(`bay ${read.bay.bay} (${shown(file)}): no clash, ${wiring.figures.length} figures within their limits`);
  } else {
    console.error(`${faults.length} ${faults.length === 1 ? "clash" : "clashes"}`);
  }
}

/** Writes every generated file that differs. */
function docs({ json }: { json?: boolean }): void {
  const files = generatedFiles(readBay(exampleBay).bay, "examples/demo-bay.yml");
  const written: string[] = [];
  for (const [name, content] of files) {
    const file = join(root, name);
    if (current(file) === content) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    written.push(file);
  }
  if (json) console.log(JSON.stringify({ files: files.size, written }));
  else console.log([...written.map(shown), `${files.size} files, ${written.length} written`].join("\n"));
}

/** Content of a file, or null where there is none yet. */
function current(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

const program = new Command("hardware")
  .description("boards, rack and bay as data: checks, pages, pin headers")
  .showHelpAfterError("(add --help for the options)")
  .exitOverride();
program
  .command("check")
  .description("check every board and a bay: pins, buses, ranges, ratings, temperatures; exit 0 or 2")
  .addOption(
    new Option("--bay <file>", "bay file whose targets are checked against the rack").default(
      exampleBay,
      "examples/demo-bay.yml",
    ),
  )
  .option("--json", "print one JSON document on standard output")
  .action(check);
program
  .command("docs")
  .description("write docs/hardware, the pin headers and the ratings of bay files again from the data")
  .option("--json", "print one JSON document on standard output")
  .action(docs);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof BayFileError) {
    console.error(error.message.includes(": error: ") ? error.message : `error: ${error.message}`);
    if (process.argv.includes("--json"))
      console.log(JSON.stringify({ errors: [{ code: error.code, message: error.message }] }));
    process.exitCode = 2;
  } else if (error instanceof Error && "exitCode" in error) {
    // Commander has said what is wrong with the command line; help is no error.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else throw error;
}
