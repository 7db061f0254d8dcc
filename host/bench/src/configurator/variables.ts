import { existsSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export type Env = Record<string, string | undefined>;

/** Folder with the data that lies beside a checkout of the bench, where there is one. */
const beside = fileURLToPath(new URL("../../../../../shared/data", import.meta.url));

/** Value of a variable that file names may use, with its default. */
function variable(name: string, env: Env): string | undefined {
  if (env[name] !== undefined && env[name] !== "") return env[name];
  const fallback = name === "MODELS_REPO" ? join(beside, "models") : name === "MLTB_DATASET" ? beside : undefined;
  return fallback !== undefined && existsSync(fallback) ? fallback : undefined;
}

export interface Expanded {
  path: string;
  /** Variables that have no value. */
  unset: string[];
  variables: string[];
}

/**
 * Expands `$MODELS_REPO`, `$MLTB_*` and declared variables, also in braces; other names with a dollar stay as they are. A
 * relative path is below `folder`; one that a variable of the environment begins is below the working folder, as in a shell.
 */
export function expand(text: string, folder: string, env: Env, declared: Record<string, string> = {}): Expanded {
  const unset: string[] = [];
  const variables: string[] = [];
  const path = text.replace(/\$(?:\{([A-Z_][A-Z0-9_]*)\}|([A-Z_][A-Z0-9_]*))/g, (all, braced, bare) => {
    const name = (braced ?? bare) as string;
    const own = Object.hasOwn(declared, name) ? declared[name] : undefined;
    if (own === undefined && !/^(MODELS_REPO|MLTB_[A-Z0-9_]+)$/.test(name)) return all;
    variables.push(name);
    const value = own ?? variable(name, env);
    if (value === undefined) unset.push(name);
    return value ?? `$${name}`;
  });
  if (isAbsolute(path)) return { path, unset, variables };
  const first = variables[0];
  const fromEnv = text.startsWith("$") && first !== undefined && !Object.hasOwn(declared, first);
  return { path: fromEnv ? resolve(path) : resolve(folder, path), unset, variables };
}
