import { goUnquote } from "@auditsieve/audit";
import { bySession } from "./by-session.ts";
import type { Place } from "./read-events.ts";
import type { Session } from "./sessions.ts";

/** The binding that an authorizer named for letting a request pass. */
export interface GrantedBy {
  readonly kind: "ClusterRoleBinding" | "RoleBinding";
  /** `web-edit/shop` for a RoleBinding: name first, then namespace, as RBAC writes it. */
  readonly binding: string;
  readonly roleKind: "ClusterRole" | "Role";
  readonly role: string;
  readonly subject: string;
}

/** How often a session was let pass for a reason. */
export interface Allowed {
  readonly session: Session;
  /** As the annotation has it; empty where the authorizer gave none (system:masters, for one). */
  readonly reason: string;
  readonly grant: GrantedBy | undefined;
  first: string;
  last: string;
  requests: number;
  readonly place: Place;
}

/** What {@link RightsTable.restore} goes on from. */
export interface RightsSnapshot {
  readonly allowed: Map<string, Allowed>;
  readonly evicted: number;
}

const REASON =
  /^RBAC: allowed by (ClusterRoleBinding|RoleBinding) ("[^"\\]*(?:\\.[^"\\]*)*") of (ClusterRole|Role) ("[^"\\]*(?:\\.[^"\\]*)*") to (.*)$/;
const MOST_ALLOWED = 50_000;
/** Of all reasons. */
const MOST_LETTERS = 16 * 1024 * 1024;

/**
 * Reads the reason of an RBAC decision.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/plugin/pkg/auth/authorizer/rbac/rbac.go
 * @example
 * const grant = readReason('RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "jane"');
 * assert.equal(grant?.binding, "b");
 */
export function readReason(reason: string): GrantedBy | undefined {
  const [, kind, quotedBinding = "", roleKind, quotedRole = "", subject = ""] = REASON.exec(reason) ?? [];
  const [binding, role] = [goUnquote(quotedBinding), goUnquote(quotedRole)];
  return kind === undefined || roleKind === undefined || binding === undefined || role === undefined
    ? undefined
    : {
        kind: kind as GrantedBy["kind"],
        binding,
        roleKind: roleKind as GrantedBy["roleKind"],
        role,
        subject,
      };
}

/** Counts another request that was let pass for the same reason. */
export function countAllowed(allowed: Allowed, time: string): void {
  allowed.requests++;
  allowed.last = time > allowed.last ? time : allowed.last;
}

/** Which binding let whom pass, how often: out of the annotation authorization.k8s.io/reason. */
export class RightsTable {
  #allowed = new Map<string, Allowed>();
  #letters = 0;
  /** Requests whose reason there was no room for. */
  evicted = 0;
  /** Made when it is asked for. */
  #bySession: ((sessions: readonly Session[]) => readonly Allowed[]) | undefined;

  /** Gives what it was counted in; undefined where there is no room for it. */
  add(session: Session, reason: string, time: string, place: Place): Allowed | undefined {
    const key = `${session.id}\n${reason}`;
    let known = this.#allowed.get(key);
    if (known === undefined) {
      if (this.#allowed.size >= MOST_ALLOWED || this.#letters >= MOST_LETTERS) {
        this.evicted++;
        return undefined;
      }
      known = { session, reason, grant: readReason(reason), first: time, last: time, requests: 0, place };
      this.#allowed.set(key, known);
      this.#letters += reason.length;
      this.#bySession = undefined;
    }
    countAllowed(known, time);
    return known;
  }

  snapshot(): RightsSnapshot {
    return { allowed: this.#allowed, evicted: this.evicted };
  }

  restore({ allowed, evicted }: RightsSnapshot): void {
    this.#allowed = allowed;
    this.#letters = [...allowed.values()].reduce((sum, { reason }) => sum + reason.length, 0);
    this.evicted = evicted;
    this.#bySession = undefined;
  }

  allowed(): readonly Allowed[] {
    return [...this.#allowed.values()];
  }

  /** Those of sessions, in the order in which they were first seen. Asked of one identity after the other. */
  allowedOf(sessions: readonly Session[]): readonly Allowed[] {
    return (this.#bySession ??= bySession(this.allowed()))(sessions);
  }
}
