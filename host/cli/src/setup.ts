// npm run setup: installs (done by the bootstrap before this file runs) and builds; starts nothing.
import { installKind } from "../bootstrap/install.mjs";
import { createSteps } from "./output/steps.ts";
import { action, createProgram, runProgram } from "./program.ts";

const program = createProgram("0.1.0").name("npm run setup --");
program.description("install the locked dependencies and build the firmware bundle").action(
  action(async (context) => {
    if (installKind() === "boards") {
      context.note("installed for boards alone: no agents, no firmware tools (docs/install.md)");
      return 0;
    }
    const { buildBundle } = await import("@mltb/firmware");
    await createSteps().run("build firmware (TypeScript to Lua)", async () => {
      const bundle = await buildBundle("monitoring");
      return { value: undefined, detail: `${bundle.name} sha256 ${bundle.sha256.slice(0, 12)}` };
    });
    return 0;
  }),
);
await runProgram(program, process.argv);
