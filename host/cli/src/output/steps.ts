/** Progress of long work: one line when a step begins on a terminal, one when it has ended. */
export interface Steps {
  run<T>(title: string, body: () => Promise<{ value: T; detail?: string }>): Promise<T>;
  note(text: string): void;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

/** Steps on standard error. On a terminal the running step is shown and then overwritten by its outcome. */
export function createSteps(stream: NodeJS.WriteStream = process.stderr): Steps {
  const live = stream.isTTY === true;
  return {
    async run(title, body) {
      const started = performance.now();
      if (live) stream.write(`  ... ${title}`);
      try {
        const { value, detail } = await body();
        const end = `${title}${detail === undefined ? "" : `: ${detail}`} (${seconds(started)})`;
        stream.write(live ? `\r\x1b[K   ok ${end}\n` : `   ok ${end}\n`);
        return value;
      } catch (error) {
        stream.write(
          live ? `\r\x1b[K fail ${title} (${seconds(started)})\n` : ` fail ${title} (${seconds(started)})\n`,
        );
        throw error;
      }
    },
    note(text) {
      stream.write(`      ${text}\n`);
    },
  };
}

/** Steps that say nothing, for commands whose caller wants only the result. */
export const silentSteps: Steps = {
  async run(_title, body) {
    return (await body()).value;
  },
  note() {
    // Nothing is shown on purpose.
  },
};
