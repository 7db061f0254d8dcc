export function installKind(): "full" | "boards";
export function ensureInstalled(): Promise<void>;
