import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, link, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";

/** Bytes that are hashed before others have their turn in this thread. */
const SLICE_BYTES = 4 * 1024 ** 2;

/** Files kept by the SHA-256 of their content: what is there already need not be sent again. */
export interface ArtifactStore {
  has(sha256: string): Promise<boolean>;
  /** Stores bytes; gives their hash. */
  put(bytes: Uint8Array): Promise<string>;
  /** Stores a stream whose hash must be this one; throws where it is another, and keeps nothing of it. */
  putStream(sha256: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** The file of an artefact under a name of its own choosing, alone in a folder. Throws where it is not there. */
  fileFor(sha256: string, name: string): Promise<string>;
  /** Removes the store. */
  remove(): Promise<void>;
}

/** A store in a folder, which is made when the first artefact comes. */
export function artifactStore(folder: string): ArtifactStore {
  const folderOf = (sha256: string): string => join(folder, sha256);
  const blobOf = (sha256: string): string => join(folderOf(sha256), "blob");
  let writes = 0;

  async function has(sha256: string): Promise<boolean> {
    if (!/^[0-9a-f]{64}$/.test(sha256)) return false;
    return (await stat(blobOf(sha256)).catch(() => undefined))?.isFile() === true;
  }

  /** Moves a complete file to its place: never seen half written. */
  async function keep(temporary: string, sha256: string): Promise<void> {
    await chmod(temporary, 0o444);
    await mkdir(folderOf(sha256), { recursive: true });
    await rename(temporary, blobOf(sha256));
  }

  async function temporaryFile(): Promise<string> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    writes += 1;
    return join(folder, `incoming-${writes}`);
  }

  return {
    has,
    async put(bytes) {
      const hash = createHash("sha256");
      for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
        if (at > 0) await setImmediate();
        hash.update(bytes.subarray(at, at + SLICE_BYTES));
      }
      const sha256 = hash.digest("hex");
      if (await has(sha256)) return sha256;
      const temporary = await temporaryFile();
      await writeFile(temporary, bytes);
      await keep(temporary, sha256);
      return sha256;
    },
    async putStream(sha256, chunks) {
      const temporary = await temporaryFile();
      const hash = createHash("sha256");
      async function* hashed(): AsyncGenerator<Uint8Array> {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      }
      try {
        await pipeline(hashed, createWriteStream(temporary));
        const actual = hash.digest("hex");
        if (actual !== sha256) throw new Error(`sha256 of the bytes is ${actual}, not ${sha256}`);
        await keep(temporary, sha256);
      } finally {
        await rm(temporary, { force: true });
      }
    },
    async fileFor(sha256, name) {
      if (!(await has(sha256))) throw new Error(`there is no artefact ${sha256}`);
      const file = join(folderOf(sha256), name);
      await link(blobOf(sha256), file).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code === "EEXIST") return;
        // A file system without hard links.
        await pipeline(createReadStream(blobOf(sha256)), createWriteStream(file));
      });
      return file;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
