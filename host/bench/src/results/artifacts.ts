import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type ResultRecord, sha256 } from "./record.ts";
import { ResultsError } from "./results-error.ts";

/** Files that a measurement leaves beside its run's document, by the endings of their names. */
const endings = {
  /** The recording as the supervisor handed it over. */
  trace: "json.gz",
  latencies: "f64.gz",
  /** The recording's samples, voltages and edges as the board sent them. */
  samples: "mltb.gz",
} as const;

export type ArtifactKind = keyof typeof endings;
export type Artifact = ResultRecord["artifacts"][number];

/** Stores what was measured; the name has its hash, for two experiments of a file may measure one model on one target. */
export function storeArtifact(
  folder: string,
  kind: ArtifactKind,
  of: { target: string; model: string },
  bytes: Uint8Array,
): Artifact {
  const hash = sha256(bytes);
  const path = `${kind}-${of.target}-${of.model}-${hash.slice(0, 8)}.${endings[kind]}`;
  writeFileSync(join(folder, path), bytes);
  return { path, sha256: hash };
}

/** The file of an artefact. Throws `ResultsError` where its name leads out of the run's folder. */
export function artifactFile(folder: string, { path }: Artifact): string {
  if (path === "" || basename(path) !== path) throw new ResultsError(`${path} is no name of a file in ${folder}`);
  return join(folder, path);
}

/** The artefact of a kind; undefined where there is none. */
export function artifactOf(artifacts: Artifact[], kind: ArtifactKind): Artifact | undefined {
  return artifacts.find(({ path }) => path.startsWith(`${kind}-`));
}

/**
 * The bytes of an artefact; undefined where there is none of that kind, or its file is gone. Bytes that are not those which
 * were stored are refused (`ResultsError`); with `onChanged` they are told to that, and given all the same.
 */
export function readArtifact(
  folder: string,
  artifacts: Artifact[],
  kind: ArtifactKind,
  onChanged?: (path: string) => void,
): Uint8Array | undefined {
  const artifact = artifactOf(artifacts, kind);
  if (artifact === undefined) return undefined;
  const file = artifactFile(folder, artifact);
  if (!existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  if (sha256(bytes) === artifact.sha256) return bytes;
  if (onChanged === undefined) throw new ResultsError(`${file} was changed: its SHA-256 is not the one in the result`);
  onChanged(artifact.path);
  return bytes;
}
