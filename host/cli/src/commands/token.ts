import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { NAME, type Role, roles } from "@mltb/contract";
import { stateFolder } from "../bay/state.ts";
import { cliError, Exit } from "../errors.ts";
import { columns } from "../output/target-text.ts";
import { action, type Command, parseChoice } from "../program.ts";

interface TokenOptions {
  state?: string;
}

function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw cliError(
    Exit.usage,
    "usage",
    `${name} is no name`,
    "1 to 32 characters: lower-case letters, digits and dashes, not a dash first",
  );
}

/** `mltb token add|list|revoke`: who may use the bay's API, and as what. Works whether the bay is up or not. */
export function registerToken(program: Command): void {
  const token = program.command("token").description("tokens of the HTTP and gRPC API: add, list, revoke");
  const verb = (name: string, description: string): Command =>
    token
      .command(name)
      .description(description)
      .option("--state <dir>", "state folder of the bay (default: $XDG_STATE_HOME/mltb)")
      .option("--json", "print one JSON document on standard output");

  verb("add", "make a token and print it; it is not kept and cannot be shown again")
    .argument("<name>", "name of the login, as the audit log shows it")
    .option("--role <role>", `what it may do: ${roles.join(", ")}`, parseChoice(roles), "operator")
    .option("--out <file>", "write the token to this file, readable by its owner only, instead of printing it")
    .action(
      action(async (context, name: string, options: TokenOptions & { role: Role; out?: string }) => {
        checkName(name);
        const folder = stateFolder(options.state);
        const { addToken, revokeToken } = await import("@mltb/supervisor");
        const value = addToken(folder, name, options.role);
        const file = options.out === undefined ? undefined : resolve(options.out);
        if (file !== undefined) {
          try {
            writeFileSync(file, `${value}\n`, { mode: 0o600, flag: "wx" });
          } catch (error) {
            revokeToken(folder, name);
            throw cliError(Exit.usage, "file", `${file} cannot be written: ${(error as Error).message}`);
          }
        }
        const document = {
          name,
          role: options.role,
          ...(file === undefined ? { token: value } : { token_file: file }),
        };
        context.print(document, () => file ?? value);
        return Exit.done;
      }),
    );

  verb("list", "names and roles; the tokens themselves are not kept").action(
    action(async (context, options: TokenOptions) => {
      const { listTokens } = await import("@mltb/supervisor");
      const tokens = listTokens(stateFolder(options.state));
      context.print(tokens, () =>
        columns([["name", "role", "made"], ...tokens.map((entry) => [entry.name, entry.role, entry.created_at])]),
      );
      return Exit.done;
    }),
  );

  verb("revoke", "take a token back; a bay that is up refuses it within a second")
    .argument("<name>", "name of the login")
    .action(
      action(async (context, name: string, options: TokenOptions) => {
        const { revokeToken } = await import("@mltb/supervisor");
        if (!revokeToken(stateFolder(options.state), name)) {
          throw cliError(Exit.usage, "unknown-token", `there is no token ${name}`, "see `mltb token list`");
        }
        context.print({ name, revoked: true }, () => `${name}: revoked`);
        return Exit.done;
      }),
    );
}
