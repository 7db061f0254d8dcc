import { randomBytes } from "node:crypto";
import type { TargetView } from "@mltb/contract";
import type { Tokens } from "../auth/tokens.ts";
import { provedOff } from "./proved-off.ts";

const IDLE_MS = 30 * 60_000;
const SESSIONS = 100;

/** Redfish reset types (DSP0268, ComputerSystem.ResetType) and the command that each of them is. */
export const resetTypes: Record<string, { feature: "power" | "reset"; args: object }> = {
  On: { feature: "power", args: { state: "on" } },
  ForceOn: { feature: "power", args: { state: "on" } },
  ForceOff: { feature: "power", args: { state: "off" } },
  GracefulShutdown: { feature: "power", args: { state: "off" } },
  PowerCycle: { feature: "power", args: { state: "cycle" } },
  ForceRestart: { feature: "reset", args: {} },
};

/** Redfish sessions: each stands for the token that opened it, and is worth what that token is worth now. */
export class Sessions {
  private readonly open = new Map<string, { id: string; token: string; user: string; used_ms: number }>();
  private next = 1;

  /** A session for a token; undefined where the token is none. */
  login(tokens: Tokens, token: string): { id: string; key: string } | undefined {
    const user = tokens.login(token)?.user;
    if (user === undefined) return undefined;
    this.forgetIdle();
    const key = randomBytes(24).toString("base64url");
    const id = String(this.next++);
    this.open.set(key, { id, token, user, used_ms: performance.now() });
    if (this.open.size > SESSIONS) this.open.delete(this.open.keys().next().value as string);
    return { id, key };
  }

  /** The token behind a session; empty where there is none. */
  tokenOf(key: string): string {
    this.forgetIdle();
    const session = this.open.get(key);
    if (session === undefined) return "";
    session.used_ms = performance.now();
    return session.token;
  }

  /** Ends a session of `user`, or anybody's where no user is named; false where there is none such. */
  logout(id: string, user: string | undefined): boolean {
    for (const [key, session] of this.open) {
      if (session.id === id && (user === undefined || session.user === user)) return this.open.delete(key);
    }
    return false;
  }

  private forgetIdle(): void {
    const now = performance.now();
    for (const [key, session] of this.open) if (now - session.used_ms > IDLE_MS) this.open.delete(key);
  }
}

/** The service root; no login is needed for it. */
export const serviceRoot = {
  "@odata.id": "/redfish/v1/",
  "@odata.type": "#ServiceRoot.v1_5_0.ServiceRoot",
  Id: "RootService",
  Name: "MLTB",
  RedfishVersion: "1.6.0",
  Systems: { "@odata.id": "/redfish/v1/Systems" },
  SessionService: { "@odata.id": "/redfish/v1/SessionService" },
  Links: { Sessions: { "@odata.id": "/redfish/v1/SessionService/Sessions" } },
};

export function systemsOf(targets: string[]): Record<string, unknown> {
  return {
    "@odata.id": "/redfish/v1/Systems",
    "@odata.type": "#ComputerSystemCollection.ComputerSystemCollection",
    Name: "Targets",
    "Members@odata.count": targets.length,
    Members: targets.map((target) => ({ "@odata.id": `/redfish/v1/Systems/${target}` })),
  };
}

export function systemOf(target: TargetView): Record<string, unknown> {
  const off = provedOff(target);
  const self = `/redfish/v1/Systems/${target.name}`;
  return {
    "@odata.id": self,
    "@odata.type": "#ComputerSystem.v1_10_0.ComputerSystem",
    Id: target.name,
    Name: target.name,
    SystemType: "Physical",
    // What the board has not proved is null, as the standard has it for a value that is not known.
    PowerState: off === undefined ? null : off ? "Off" : "On",
    Status: { State: "Enabled", Health: target.fault === null ? "OK" : "Critical" },
    Actions: {
      "#ComputerSystem.Reset": {
        target: `${self}/Actions/ComputerSystem.Reset`,
        "ResetType@Redfish.AllowableValues": Object.keys(resetTypes),
      },
    },
  };
}

/** A Redfish error document. */
export function redfishError(code: string, message: string): Record<string, unknown> {
  return {
    error: { code: `Base.1.0.${code}`, message, "@Message.ExtendedInfo": [{ MessageId: code, Message: message }] },
  };
}
