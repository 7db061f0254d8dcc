import { expect, test } from "vitest";
import { checkName } from "./options.ts";

test("an agent's name is one of the bay's names", () => {
  for (const name of [undefined, "inference", "jetson-2"]) expect(() => checkName(name)).not.toThrow();
  for (const name of ["", "Jetson", "a/b", "a b", "-a", "x".repeat(33)]) {
    expect(() => checkName(name)).toThrow(expect.objectContaining({ kind: "usage" }));
  }
});
