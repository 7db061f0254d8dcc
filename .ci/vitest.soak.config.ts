import { defineConfig } from "vitest/config";

/** What must hold under every fault, at length: a short form of the same files is part of `npm test`. */
export default defineConfig({
  test: {
    include: ["**/*.soak.test.ts"],
    exclude: ["**/node_modules/**"],
    // A soak takes as long as it takes.
    testTimeout: 0,
    hookTimeout: 120_000,
    maxWorkers: 2,
    reporters: ["default", "./.ci/count-reporter.ts"],
  },
});
