import { defineConfig } from "vitest/config";

/** Suites against foreign programs from Debian's packages. On CI the set-up installs them; elsewhere their tests skip. */
export default defineConfig({
  test: {
    include: ["**/*.integration.test.ts"],
    exclude: ["**/node_modules/**"],
    globalSetup: ["./.ci/debian-packages.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
    reporters: ["default", "./.ci/count-reporter.ts"],
  },
});
