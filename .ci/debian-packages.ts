import { spawnSync } from "node:child_process";

/** Commands that the integration suites use (or that succeed where a library is there), and the packages that bring them. */
const wanted: Record<string, string> = {
  mosquitto: "mosquitto",
  "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
  gcc: "gcc libc6-dev",
  "dpkg-source": "dpkg-dev",
  "qemu-system-arm": "qemu-system-arm",
  clang: "clang lld wasi-libc libclang-rt-dev-wasm32",
  promtool: "prometheus",
  pduclient: "pdudaemon-client python3-requests",
  // pdudaemon's systemd-python is compiled where the Python environment is made (.ci/python-env.ts).
  "pkg-config --exists libsystemd": "pkg-config libsystemd-dev python3-dev python3-venv",
};

function there(command: string): boolean {
  const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` };
  return spawnSync("sh", ["-c", command.includes(" ") ? command : `command -v ${command}`], { env }).status === 0;
}

/** Installs what is missing on CI; elsewhere it only says what to install. */
export default function setup(): void {
  const missing = Object.keys(wanted).filter((command) => !there(command));
  if (missing.length === 0) return;
  const packages = missing.flatMap((command) => (wanted[command] as string).split(" "));
  if (process.env["CI"] !== "true" || process.getuid?.() !== 0) {
    console.warn(`not installed: ${missing.join(", ")}; their tests skip. Mend: apt-get install ${packages.join(" ")}`);
    return;
  }
  spawnSync("apt-get", ["update", "-qq"], { stdio: "inherit" });
  const install = spawnSync("apt-get", ["install", "-y", "-qq", ...packages], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (install.status !== 0) throw new Error(`apt-get install ${packages.join(" ")} failed`);
}
