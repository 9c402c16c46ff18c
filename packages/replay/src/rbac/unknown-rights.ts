import type { Identity, LetPass } from "./let-pass.ts";
import type { StandingRbac } from "./standing-rbac.ts";

/** What is told of somebody's rights, and what it is told from. */
export interface ToldRights {
  readonly at: string;
  /** The first and the last time of the log; empty where it has none. */
  readonly from: string;
  readonly to: string;
  readonly rbac: StandingRbac;
  /** Requests that there was no room for. */
  readonly uncounted: number;
  readonly identities: readonly Identity[];
  readonly bindings: readonly {
    readonly binding: string;
    readonly role: string;
    readonly isStale: boolean;
    readonly isRoleStale: boolean;
    readonly rules: readonly string[] | undefined;
    readonly roleGone: unknown;
  }[];
  readonly letPassOtherwise: readonly LetPass[];
}

const MOST_NAMED = 8;
const MASTERS = "system:masters";

/** What the log cannot know of rights at a time, a sentence each. */
export function* unknownRights({ at, from, to, rbac, uncounted, ...told }: ToldRights): Generator<string, void> {
  const { identities, bindings, letPassOtherwise } = told;
  if (at < from) {
    yield `The log begins at ${from}, after that time: only what later events say of it is told`;
  } else if (at > to) {
    yield `The log ends at ${to}, before that time: what changed since is not in it`;
  }
  const unlisted = (["ClusterRoleBinding", "RoleBinding"] as const).filter((kind) => !rbac.listed.has(kind));
  if (unlisted.length > 0) {
    yield `The log holds no whole list of ${unlisted.map((kind) => `${kind}s`).join(" and ")} up to then: one that was made before ${from}, and since was neither written nor shown nor named by the authorizer, is missing`;
  }
  const stale = [
    ...bindings.filter(({ isStale }) => isStale).map(({ binding }) => binding),
    ...new Set(bindings.filter(({ isRoleStale }) => isRoleStale).map(({ role }) => role)),
  ];
  if (stale.length > 0) {
    yield `Written once more without a body in the log, to what is not known: ${few(stale)}`;
  }
  const unread = bindings.filter(({ rules, roleGone }) => rules === undefined && roleGone === undefined);
  if (unread.length > 0) {
    yield `No body in the log says what these roles allow: ${few([...new Set(unread.map(({ role }) => role || "(not known)"))])}`;
  }
  const masters = identities.filter(({ groups }) => groups.includes(MASTERS)).map(({ name }) => name);
  if (masters.length > 0) {
    yield `May do everything as a member of ${MASTERS}, for which no binding is asked: ${few(masters)}`;
  }
  const [identity] = identities;
  if (identity?.isSeen === false) {
    yield `There is no request of ${identity.name} in the log: groups that its credential may bring are not known`;
  }
  const silent = letPassOtherwise.filter(({ reason }) => reason === "");
  if (silent.length > 0) {
    yield `${silent.reduce((sum, { requests }) => sum + requests, 0)} requests were let pass without a reason: for a member of ${MASTERS}, or by another authorizer than RBAC (Node, a webhook), or the log holds no annotations`;
  }
  if (rbac.unclear.length > 0) {
    yield `Roles or bindings were deleted together, and no answer says which: auditID ${few(rbac.unclear.map(({ auditID }) => auditID))}`;
  }
  if (rbac.evicted + uncounted > 0) {
    yield `There was no room for ${rbac.evicted} roles, bindings or bodies of them and for ${uncounted} requests`;
  }
}

function few(names: readonly string[]): string {
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : "";
  return `${names.slice(0, MOST_NAMED).join(", ")}${more}`;
}
