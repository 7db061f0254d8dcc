import { defineConfig } from "vitest/config";

/** A test that hangs ends here; long forms are many times as long. */
const LIMIT_MS = process.env["MLTB_LONG"] === "1" ? 1_800_000 : 60_000;

/** Unit, parity and scenario tests. Suites that need Debian packages have configurations of their own in `.ci/`. */
export default defineConfig({
  test: {
    include: ["{protocol,hardware,firmware,simulators}/**/*.test.ts", "{host,agents}/*/**/*.test.ts"],
    exclude: [
      ...["**/node_modules/**", "**/*.image.test.ts", "**/*.integration.test.ts", "**/*.usb.test.ts"],
      // Long soaks take hours and leave a result each: npm run soak -- --long --only NAME.
      ...(process.env["MLTB_LONG"] === "1" ? ["**/*.soak.test.ts"] : []),
    ],
    testTimeout: LIMIT_MS,
    hookTimeout: LIMIT_MS,
    maxWorkers: 2,
    reporters: ["default", "./.ci/count-reporter.ts"],
  },
});
