import { defineConfig } from "vitest/config";

/** Unit, parity and scenario tests. Suites that need Debian packages have configurations of their own in `.ci/`. */
export default defineConfig({
  test: {
    include: ["{protocol,hardware,firmware,simulators}/**/*.test.ts", "{host,agents}/*/**/*.test.ts"],
    exclude: [
      ...["**/node_modules/**", "**/*.image.test.ts", "**/*.integration.test.ts", "**/*.usb.test.ts"],
      // Long soaks take hours and leave a result each: npm run soak -- --long --only NAME.
      ...(process.env["MLTB_LONG"] === "1" ? ["**/*.soak.test.ts"] : []),
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: ["default", "./.ci/count-reporter.ts"],
  },
});
