import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const NO_OPENSSL = "openssl is not installed: there is no certificate to test with";

/** A certificate for 127.0.0.1 that is its own authority; undefined where openssl is not installed. */
export function certificate(folder: string): { cert: Buffer; key: Buffer } | undefined {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  try {
    execFileSync("openssl", ["req", "-x509", "-nodes", ...curve, "-keyout", key, "-out", cert, ...subject], {
      stdio: "ignore",
    });
  } catch {
    return undefined;
  }
  return { cert: readFileSync(cert), key: readFileSync(key) };
}
