#!/usr/bin/env node
// Starts the command line under a Node that strips types; under an older one it runs itself again with the bundled one.
import module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, runtimePath, stripsTypes } from "../bootstrap/node-runtime.mjs";

if (stripsTypes()) {
  // Half of a short command's time would go into stripping and compiling the same files again. The cache is the user's
  // own: what lies in a folder that others can write to must not be run. Agents and their model processes use it too.
  process.env.NODE_COMPILE_CACHE ??= join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "mltb", "compiled");
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
  const { main } = await import("../src/main.ts");
  await main(process.argv);
} else {
  const node = runtimePath();
  if (node === undefined) {
    console.error("error: the bundled Node is not installed; run `npm run setup` in the repository first");
    process.exit(4);
  }
  process.exitCode = await run(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    cwd: process.cwd(),
  });
}
