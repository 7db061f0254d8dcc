// npm run -s firmware -- build|size [--json]
import { Command } from "commander";
import { buildBundle } from "./bundle.ts";
import { measureSizes } from "./size.ts";

const program = new Command("firmware").description("build the firmware bundle and check its budgets");

program
  .command("build")
  .description("transpile the bundle of a board")
  .option("--json", "print one JSON document on standard output")
  .action(async (options: { json?: boolean }) => {
    const { name, path, sha256, sourceLines } = await buildBundle("monitoring");
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
  .action(async (options: { json?: boolean }) => {
    const sizes = await measureSizes();
    if (options.json) console.log(JSON.stringify(sizes));
    else {
      for (const bundle of sizes.bundles) {
        console.log(
          `${bundle.name}: ${bundle.source_lines} lines of Lua, ${bundle.bytecode_bytes} bytes of stripped bytecode`,
        );
        console.log(
          `heap ${bundle.heap_boot_bytes.i64} bytes after boot and full collection; lualib: ${bundle.lualib.join(", ") || "none"}`,
        );
      }
      for (const budget of sizes.budgets) {
        const verdict = budget.ok === null ? `not measured: ${budget.reason}` : budget.ok ? "ok" : "EXCEEDED";
        console.log(`${budget.name}: ${budget.value ?? "-"} of ${budget.limit} ${verdict}`);
      }
    }
    process.exitCode = sizes.budgets.some((budget) => budget.ok === false) ? 1 : 0;
  });

await program.parseAsync();
