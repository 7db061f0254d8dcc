import { expect, test } from "vitest";
import { type Budget, sizeExit } from "./size-document.ts";

const held: Budget = { name: "held", limit: 10, value: 10, ok: true };
const exceeded: Budget = { name: "exceeded", limit: 10, value: 11, ok: false };
const unmeasured: Budget = { name: "unmeasured", limit: 10, value: null, ok: null, reason: "no compiler" };

test("size exits 1 where a budget is exceeded, also beside others; one that was not measured fails nothing", () => {
  expect(sizeExit([held])).toBe(0);
  expect(sizeExit([held, unmeasured])).toBe(0);
  expect(sizeExit([unmeasured, exceeded, held])).toBe(1);
});
