import { cpus, release } from "node:os";

/** The machine that measured. */
export interface Host {
  cpu: string;
  cores: number;
  os: string;
}

export function hostFacts(): Host {
  const cores = cpus();
  return {
    cpu: cores[0]?.model ?? "unknown",
    cores: cores.length,
    os: `${process.platform} ${process.arch} ${release()}`,
  };
}
