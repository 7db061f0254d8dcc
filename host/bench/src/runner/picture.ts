import sharp from "sharp";
import type { Picture } from "../configurator/types.ts";
import { DatasetError, type Sample } from "./dataset.ts";

/** Larger pictures are refused: a few bytes of a file can claim any size. */
const PIXELS = 100_000_000;

/**
 * A picture as one record for a model, decoded to RGB (or grey for one channel), scaled to the wanted size with bilinear
 * interpolation without keeping its proportions, its values as `scaling` names them for image models:
 * NONE leaves 0..255; INCEPTION is x / 127.5 - 1; VGG takes the means 123, 117 and 104 (128 for grey) away.
 */
export async function loadPicture(picture: Picture): Promise<Sample> {
  const [a, b, c] = picture.shape;
  const planes = picture.dformat === "FORMAT_NCHW";
  const [channels, height, width] = planes ? [a, b, c] : [c, a, b];
  if (channels !== 1 && channels !== 3)
    throw new DatasetError(
      `${picture.file}: pictures have 1 or 3 channels, shape [${picture.shape}] wants ${channels}`,
    );
  let pixels: Uint8Array;
  try {
    pixels = await sharp(picture.file, { limitInputPixels: PIXELS, failOn: "error" })
      .rotate()
      .flatten({ background: "black" })
      .toColourspace(channels === 1 ? "b-w" : "srgb")
      .resize(width, height, { fit: "fill", kernel: "linear" })
      .raw()
      .toBuffer();
  } catch (error) {
    throw new DatasetError(`${picture.file} cannot be decoded: ${(error as Error).message}`);
  }
  const count = channels * height * width;
  if (pixels.length !== count)
    throw new DatasetError(`${picture.file}: ${pixels.length} values were decoded, ${count} are wanted`);
  const means = channels === 1 ? [128] : [123, 117, 104];
  const values = new Float64Array(count);
  for (let i = 0; i < count; i += 1) {
    const channel = i % channels;
    const raw = pixels[i] as number;
    const value =
      picture.scaling === "INCEPTION"
        ? raw / 127.5 - 1
        : picture.scaling === "VGG"
          ? raw - (means[channel] as number)
          : raw;
    values[planes ? channel * height * width + Math.floor(i / channels) : i] = value;
  }
  return { values, shape: [...picture.shape], datatype: picture.dtype };
}

/** An SVG drawing as the bytes of a JPEG picture. */
export function drawPicture(svg: string): Promise<Buffer> {
  return sharp(Buffer.from(svg)).jpeg({ quality: 85 }).toBuffer();
}
