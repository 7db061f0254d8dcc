import type { Instructions } from "../lua-runtime/gauge.ts";

export interface Budget {
  name: string;
  limit: number;
  value: number | null;
  ok: boolean | null;
  reason?: string;
}

/** The document of `firmware size --json`, INTERFACES section 8. */
export interface Sizes {
  bundles: {
    name: string;
    source_lines: number;
    bytecode_bytes: number | null;
    heap_boot_bytes: { i64: number | null; i32: number | null };
    heap_peak_bytes: { i64: number; i32: number | null };
    lualib: string[];
  }[];
  images: { board: string; text: number; data: number; bss: number; static_ram_bytes: number; image_bytes: number }[];
  /** Counted on QEMU; null where that or the cross compiler is not installed. */
  instructions: Record<keyof Instructions, number | null>;
  budgets: Budget[];
}

/** Exit code of `size`: 1 where a budget fails. One that could not be measured fails nothing; its reason is printed. */
export function sizeExit(budgets: readonly Budget[]): 0 | 1 {
  return budgets.some(({ ok }) => ok === false) ? 1 : 0;
}
