import { createConnection } from "node:net";

/** A packet of GDB's remote protocol: text between `$` and `#`, then its sum. */
function packet(text: string): string {
  const sum = [...text].reduce((total, letter) => total + letter.charCodeAt(0), 0) & 255;
  return `$${text}#${sum.toString(16).padStart(2, "0")}`;
}

/**
 * Writes bytes into the memory of an emulated machine, flash too, through its GDB stub on a Unix socket. The machine stands
 * still meanwhile and goes on when the stub is left.
 */
export async function writeMemory(path: string, address: number, bytes: Uint8Array): Promise<void> {
  const socket = createConnection(path);
  let held = "";
  let answered: ((text: string) => void) | undefined;
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    held += chunk;
    for (let found = /\$([^#]*)#../.exec(held); found !== null; found = /\$([^#]*)#../.exec(held)) {
      held = held.slice(found.index + found[0].length);
      socket.write("+");
      // The stub also tells that the machine has stopped, which nobody asked.
      if (!/^[ST]\d\d/.test(found[1] ?? "")) answered?.(found[1] ?? "");
    }
  });
  const ask = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      answered = resolve;
      socket.once("error", reject);
      socket.write(packet(text));
    });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  const hex = Buffer.from(bytes).toString("hex");
  const answer = await ask(`M${address.toString(16)},${bytes.length.toString(16)}:${hex}`);
  if (answer !== "OK") throw new Error(`the GDB stub answered ${answer} to a write at ${address.toString(16)}`);
  await ask("D");
  socket.destroy();
}
