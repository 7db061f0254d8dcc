import { OWN_USER } from "../auth/tokens.ts";
import { type Caller, callerId } from "../call.ts";
import type { Request } from "./app.ts";

function header(request: Request, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Whether the caller waits for the end, as the query says, makes no other command of it. */
function idOf({ method, url }: Request, key: string): string {
  return callerId(`${method} ${url.split("?", 1)[0]} ${key}`);
}

/** Who sent an HTTP request, with the lease, override and idempotency key that its headers name. */
export function callerOf(request: Request): Caller {
  const { user, role } = request.who ?? { user: OWN_USER, role: "admin" as const };
  const lease = header(request, "mltb-lease");
  const override = header(request, "mltb-override");
  const key = header(request, "idempotency-key");
  return {
    source: "api",
    user,
    role,
    origin: request.ip,
    ...(lease === undefined ? {} : { lease }),
    ...(override === undefined ? {} : { override: override.slice(0, 200) }),
    ...(key === undefined ? {} : { id: idOf(request, key) }),
  };
}
