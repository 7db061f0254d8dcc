import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take longest come first: the last of two workers is not left alone with one of them. */
const LONGEST = ["rp2040.image", "over-current.image", "robustness.image", "lua-wasm.image", "rp2040-usb.image"];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at < 0 ? LONGEST.length : at;
    };
    return [...files].sort((a, b) => rank(a) - rank(b));
  }
}

/** The firmware as microcontroller images in emulators. On CI the set-up installs the toolchain; elsewhere the tests skip. */
export default defineConfig({
  test: {
    include: ["**/*.image.test.ts"],
    exclude: ["**/node_modules/**"],
    globalSetup: ["./.ci/debian-packages.ts", "./.ci/prebuild-images.ts"],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    reporters: ["default", "./.ci/count-reporter.ts"],
  },
});
