import { defineConfig } from "vitest/config";

/** The firmware as microcontroller images in emulators. On CI the set-up installs the toolchain; elsewhere the tests skip. */
export default defineConfig({
  test: {
    include: ["**/*.image.test.ts"],
    exclude: ["**/node_modules/**"],
    globalSetup: ["./.ci/debian-packages.ts", "./.ci/prebuild-images.ts"],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    reporters: ["default", "./.ci/count-reporter.ts"],
  },
});
