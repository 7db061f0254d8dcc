// node run.mjs SCRIPT [ARG...]: installs what is missing, then runs SCRIPT under a Node that strips types.
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { ensureInstalled } from "./install.mjs";
import { root, run, runtimePath } from "./node-runtime.mjs";

const [script, ...args] = process.argv.slice(2);
await ensureInstalled();
const node = runtimePath();
const path = [join(root, "node_modules", ".bin"), dirname(node), process.env.PATH].join(delimiter);
const file = isAbsolute(script) ? script : join(root, script);
process.exitCode = await run(node, [file, ...args], { env: { ...process.env, PATH: path } });
