import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPtyCarrier } from "@mltb/simulators";
import { afterAll, expect, test } from "vitest";
import { consolePort } from "../src/link/console-port.ts";
import { fileTransport } from "../src/link/open.ts";
import { createPorts, type PortInfo } from "../src/link/ports.ts";
import { openSerialPort } from "../src/link/serial.ts";
import { listUsbPorts } from "../src/link/system-ports.ts";
import { tcpTransport } from "../src/link/tcp.ts";

const folder = mkdtempSync(join(tmpdir(), "mltb-transports-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function until(holds: () => boolean): Promise<void> {
  for (let n = 0; n < 1000 && !holds(); n += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
}

test("serial: bytes both ways, opened exclusively, closed more than once, found again behind the same name", async () => {
  const link = join(folder, "board0");
  const port = fileTransport(link);
  const received: string[] = [];
  const closed: string[] = [];
  const handlers = {
    onBytes: (chunk: Uint8Array) => received.push(Buffer.from(chunk).toString("latin1")),
    onClose: (reason: string) => closed.push(reason),
  };
  await expect(port.open(handlers)).rejects.toMatchObject({ problem: "absent" });
  let came = 0;
  const end = port.onAvailable?.(() => {
    came += 1;
  });
  const first = createPtyCarrier(link);
  await until(() => came > 0);
  await port.open(handlers);
  await expect(fileTransport(link).open(handlers)).rejects.toMatchObject({ problem: "in-use" });
  first.write("hello");
  await until(() => received.join("") === "hello");
  port.write(Buffer.from("back"));
  let seen = "";
  await until(() => {
    seen += first.take() ?? "";
    return seen === "back";
  });
  expect(port.room()).toBeGreaterThan(0);
  first.close();
  await until(() => closed.length === 1);
  // The name now stands for another pseudo-terminal.
  const again = came;
  const second = createPtyCarrier(link);
  await until(() => came > again);
  await port.open(handlers);
  second.write("anew");
  await until(() => received.join("") === "helloanew");
  await port.close();
  await port.close();
  expect(port.room()).toBe(0);
  expect(closed).toHaveLength(1);
  end?.();
  second.close();
});

test("a console's port stays open when another device of its ids comes and goes, and is free when the console is stopped", async () => {
  const path = join(folder, "console0");
  const uart = createPtyCarrier(path);
  const ids = { vid: 0x0403, pid: 0x6001 };
  let others: PortInfo[] = [];
  let hint: (path?: string) => void = () => undefined;
  const ports = createPorts({
    list: async () => [{ path, ...ids }, ...others],
    hints(onHint) {
      hint = onHint;
      return () => undefined;
    },
  });
  const console = consolePort({ usb: ids, baud: 115_200 }, ports);
  let text = "";
  console.stream.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const hears = async (word: string): Promise<void> => {
    uart.write(word);
    await until(() => text.endsWith(word));
  };
  await until(() => {
    uart.write("a");
    return text !== "";
  });
  others = [{ path: join(folder, "console1"), ...ids }];
  hint();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await hears("b");
  others = [];
  hint();
  // Longer than what was refused would be tried again.
  await new Promise((resolve) => setTimeout(resolve, 1200));
  await hears("c");
  await console.stop();
  const port = await openSerialPort(path, { onBytes: () => undefined, onClose: () => undefined });
  await port.close();
  uart.close();
});

test("tcp: bytes both ways, a closed connection is told once, a missing peer is absent", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("data", (chunk) => socket.write(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const transport = tcpTransport("127.0.0.1", port);
  let received = "";
  const closed: string[] = [];
  await transport.open({ onBytes: (chunk) => (received += Buffer.from(chunk)), onClose: (r) => closed.push(r) });
  transport.write(Buffer.from("echo"));
  await until(() => received === "echo");
  for (const socket of sockets) socket.destroy();
  await until(() => closed.length === 1);
  await transport.close();
  await transport.close();
  await new Promise((resolve) => server.close(resolve));
  await expect(transport.open({ onBytes: () => undefined, onClose: () => undefined })).rejects.toMatchObject({
    problem: "absent",
  });
  expect(closed).toHaveLength(1);
});

test("USB ports come from sysfs with ids and serial number; what is no USB port is left out", async () => {
  const sysfs = join(folder, "sys");
  const device = join(sysfs, "devices/pci0/usb1/1-2");
  mkdirSync(join(device, "1-2:1.0"), { recursive: true });
  for (const [file, text] of [
    ["idVendor", "1209\n"],
    ["idProduct", "0001\n"],
    ["serial", "E6614103\n"],
  ] as const) {
    writeFileSync(join(device, file), text);
  }
  for (const tty of ["ttyACM3", "ttyS0", "ttyUSB0"]) mkdirSync(join(sysfs, "class/tty", tty), { recursive: true });
  symlinkSync(join(device, "1-2:1.0"), join(sysfs, "class/tty/ttyACM3/device"));
  expect(await listUsbPorts(sysfs, "/dev")).toEqual([
    { path: "/dev/ttyACM3", vid: 0x1209, pid: 1, serial: "E6614103" },
  ]);
});
