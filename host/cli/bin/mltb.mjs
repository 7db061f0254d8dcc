#!/usr/bin/env node
// Starts the command line under a Node that strips types; under an older one it runs itself again with the bundled one.
import { fileURLToPath } from "node:url";
import { run, runtimePath, stripsTypes } from "../bootstrap/node-runtime.mjs";

if (stripsTypes()) {
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
