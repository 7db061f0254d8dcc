import { renameSync, rmSync, writeFileSync } from "node:fs";

/** Writes a file so that it is there whole, or not at all; throws what the file system throws. */
export function writeWhole(file: string, content: string | Uint8Array): void {
  const temporary = `${file}.new`;
  try {
    writeFileSync(temporary, content, { flush: true });
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}
