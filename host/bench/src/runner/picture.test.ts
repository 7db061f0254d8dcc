import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Picture } from "../configurator/types.ts";
import { isDatasetError } from "./dataset.ts";
import { loadPicture } from "./picture.ts";

/** A drawing of 2 x 1 pixels: pure red, then (0, 51, 255); no encoder changes its values. */
const drawing = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="1" shape-rendering="crispEdges">' +
    '<rect width="1" height="1" fill="#ff0000"/><rect x="1" width="1" height="1" fill="#0033ff"/></svg>',
);

function file(bytes: Uint8Array): string {
  const path = join(mkdtempSync(join(tmpdir(), "mltb-picture-")), "a.svg");
  writeFileSync(path, bytes);
  return path;
}

const base: Omit<Picture, "file"> = { scaling: "NONE", shape: [3, 1, 2], dformat: "FORMAT_NCHW", dtype: "FP32" };

test.each([
  ["planes", {}, [255, 0, 0, 51, 0, 255]],
  ["pixel after pixel", { dformat: "FORMAT_NHWC", shape: [1, 2, 3] }, [255, 0, 0, 0, 51, 255]],
  ["INCEPTION is x / 127.5 - 1", { scaling: "INCEPTION" }, [1, -1, -1, -0.6, -1, 1]],
  ["VGG takes the means away", { scaling: "VGG" }, [132, -123, -117, -66, -104, 151]],
] as const)("%s", async (_name, change, want) => {
  const sample = await loadPicture({ ...base, ...change, file: file(drawing) } as Picture);
  expect([...sample.values].map((value) => Number(value.toFixed(6)))).toEqual(want);
});

test("a picture is scaled to the wanted size; what is no picture or has an impossible shape is refused by its name", async () => {
  const scaled = await loadPicture({ ...base, shape: [3, 4, 4], file: file(drawing) });
  expect(scaled.values.length).toBe(48);
  const broken = file(Buffer.from("no picture"));
  const error = await loadPicture({ ...base, file: broken }).catch((e: unknown) => e);
  expect(isDatasetError(error) && error.message).toContain(`${broken} cannot be decoded`);
  await expect(loadPicture({ ...base, shape: [4, 1, 2], file: file(drawing) })).rejects.toThrow("1 or 3 channels");
});
