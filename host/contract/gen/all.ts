// node host/contract/gen/all.ts: writes everything that is made from the features of host/contract/src/features/.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { generatedFiles } from "./files.ts";

for (const [path, text] of Object.entries(generatedFiles())) {
  const file = fileURLToPath(new URL(`../../../${path}`, import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(path);
}
