import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { formsOf, search } from "./secret-search.ts";

/** Base64 of it holds characters that base64url writes in another way. */
const secret = "a?>~b?>~c_-9";

test("a secret is found in whatever form and file it stands, and nowhere else", () => {
  const folder = mkdtempSync(join(tmpdir(), "mltb-search-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "below"));
  const put = (name: string, content: string | Buffer): void => writeFileSync(join(folder, name), content);
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  put("a-plain", `token=${secret};`);
  for (const user of ["", "u", "us", "use"]) put(`b-basic-${user.length}`, `Basic ${base64(`${user}:${secret}`)}`);
  put("c-url", Buffer.from(`${secret}:more`).toString("base64url"));
  put("d-hex", Buffer.from(secret).toString("hex"));
  put("below/e.gz", gzipSync(`{"at":"${secret}"}`));
  const halves = [secret.slice(0, 5), secret.slice(5)].map((bytes) =>
    JSON.stringify({ direction: "rx", bytes: base64(bytes) }),
  );
  const other = JSON.stringify({ direction: "tx", bytes: base64("between") });
  put("f.trace", [JSON.stringify({ schema: "mltb.trace/1", at: "" }), halves[0], other, halves[1], ""].join("\n"));
  const database = new DatabaseSync(join(folder, "g.db"));
  database.exec("create table t (v)");
  database.prepare("insert into t values (?)").run(gzipSync(secret));
  database.close();
  put("h-other", `${secret.slice(0, -1)} ${base64("user:password")}`);

  const found = search(folder, { it: formsOf(Buffer.from(secret)), other: formsOf(Buffer.from("nothing-of-that")) });
  const everywhere = ["a-plain", "b-basic-0", "b-basic-1", "b-basic-2", "b-basic-3"];
  expect(found).toEqual({ it: [...everywhere, "below/e.gz", "c-url", "d-hex", "f.trace", "g.db"], other: [] });
});
