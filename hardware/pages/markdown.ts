/** A table of GitHub's Markdown. A bar inside a cell would end it, so it is escaped. */
export function table(head: string[], rows: (string | number)[][]): string {
  const line = (cells: (string | number)[]): string =>
    `| ${cells.map((cell) => `${cell}`.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

/** The line under each title that says where a page comes from. */
export const generated =
  "<!-- Generated from hardware/src by `npm run -s hardware -- docs`; edit the data, not this page. -->";

/** Paragraphs with one empty line between them, and a line break at the end of the file. */
export function page(title: string, ...parts: string[]): string {
  return `${[`# ${title}`, generated, ...parts].join("\n\n")}\n`;
}

export const hex = (value: number): string => `0x${value.toString(16).padStart(2, "0")}`;
