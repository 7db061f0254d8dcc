import type { ArtifactStore } from "@mltb/agent-kit";
import { invalid } from "../errors.ts";
import type { Repository } from "../repository.ts";

/**
 * A load request: from the repository, or of a model file that came along as `file:VERSION/NAME`. A configuration is
 * taken only where it changes nothing of what this server does: its text must be a JSON object.
 */
export async function deployFiles(
  model: string,
  files: ReadonlyMap<string, Uint8Array>,
  config: unknown,
  repository: Repository,
  artifacts: ArtifactStore,
): Promise<void> {
  if (config !== undefined) checkConfig(config);
  const [file, ...more] = [...files].filter(([name]) => name.startsWith("file:"));
  if (file === undefined) {
    await repository.load(model);
    return;
  }
  if (more.length > 0) throw invalid(`one model file is taken, ${more.length + 1} were given`);
  if (!/^file:1\/model\.(onnx|tflite)$/.test(file[0]))
    throw invalid(`${file[0]}: a model file is named file:1/model.onnx or file:1/model.tflite`);
  await repository.deploy(model, await artifacts.put(file[1]));
}

function checkConfig(config: unknown): void {
  try {
    const value: unknown = JSON.parse(String(config));
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new SyntaxError("no JSON object");
    const { max_batch_size: batch } = value as { max_batch_size?: unknown };
    if (batch !== undefined && batch !== 0)
      throw invalid("config: batching is not supported, max_batch_size must be 0");
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid(`config: ${error.message}`);
    throw error;
  }
}
