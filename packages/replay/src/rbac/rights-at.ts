import { attributesOfScan } from "@auditsieve/audit";
import type { EventScan } from "@auditsieve/audit";
import { boundedText } from "../bounded-text.ts";
import { HeadReader } from "../facts/event-head.ts";
import { readReason } from "../facts/rights.ts";
import type { ReplayedEvent, ReplayVisitor } from "../replayed-event.ts";
import { matches } from "../selection/text-pattern.ts";
import { accessOf, describeAccess } from "./access.ts";
import { isSubject, ruleText, subjectText } from "./rbac-object.ts";
import type { RbacObject, Subject } from "./rbac-object.ts";
import { bindingIn, StandingRbac } from "./standing-rbac.ts";
import type { Proof, Standing, StandsBy } from "./standing-rbac.ts";

/** What somebody did, by what it was let pass. */
export interface LetPass {
  readonly actor: string;
  /** `get secrets db in shop` */
  readonly access: string;
  /** As the authorizer gave it; empty where it gave none. */
  readonly reason: string;
  readonly first: string;
  last: string;
  requests: number;
  /** Of the first of them. */
  readonly auditID: string;
}

/** Somebody whose rights are asked for, as the log knows them. */
export interface Identity {
  readonly name: string;
  /** Of its requests until then, or where there is none of the first one later; of a service account also those that it is always in. */
  readonly groups: readonly string[];
  /** Whether a request says so. */
  readonly isSeen: boolean;
}

/** A binding that stood, with the role that it gives. */
export interface BindingAt {
  /** `ClusterRoleBinding admins`, `RoleBinding shop/edit`. */
  readonly binding: string;
  /** `ClusterRole cluster-admin` */
  readonly role: string;
  /** Undefined: everywhere. */
  readonly namespace: string | undefined;
  readonly subjects: readonly string[];
  /** What says that it stood. */
  readonly by: StandsBy;
  readonly proof: Proof;
  readonly made: Proof | undefined;
  /** Its creationTimestamp, by its own word; empty where no body is in the log. */
  readonly created: string;
  readonly changed: Proof | undefined;
  /** It was written once more before that time, to what the log does not say; so was the role. */
  readonly isStale: boolean;
  readonly isRoleStale: boolean;
  /** What the role allows, a rule each; undefined where the log does not hold it. */
  readonly rules: readonly string[] | undefined;
  /** The write or answer that the rules are of. */
  readonly rulesOf: Proof | undefined;
  /** The role was deleted before that time: the binding gives nothing. */
  readonly roleGone: Proof | undefined;
  /** What it let pass in the whole log, of those who are asked for. */
  readonly letPass: readonly LetPass[];
}

/** RBAC as it was at a time, for those who are asked for. */
export interface RightsAt {
  readonly at: string;
  readonly identities: readonly Identity[];
  /** Whether anybody who is asked for acts in the log, or a binding that stood names them: else it may be a typing mistake. */
  readonly isKnown: boolean;
  readonly bindings: readonly BindingAt[];
  /** Requests that were let pass by something else than these bindings. */
  readonly letPassOtherwise: readonly LetPass[];
  /** What the log cannot know, a sentence each. */
  readonly unknown: readonly string[];
}

/** Whose rights, and when. */
export interface RightsQuestion {
  /** As the log names it; `*` stands for any text. */
  readonly actor: string;
  /** A moment as audit events write it. */
  readonly at: string;
}

const MOST_IDENTITIES = 5_000;
const MOST_GROUPS = 200;
const MOST_ACTS = 20_000;
const MOST_BEGUN = 5_000;
const MOST_NAMED = 8;
const MASTERS = "system:masters";

/**
 * Looks on while a log is replayed, and tells what an actor (or all that match) could do at a time by the bindings that the log shows.
 *
 * @example
 * const visitor = new RightsAtVisitor({ actor: "ann", at: "2026-11-24T10:00:00.000000Z" });
 * await replayLogs({ logs, detections: [], redactor, visitors: [visitor] });
 * assert.deepEqual(visitor.result().bindings, []);
 */
export class RightsAtVisitor implements ReplayVisitor {
  readonly #question: RightsQuestion;
  readonly #rbac: StandingRbac;
  readonly #head = new HeadReader();
  readonly #groups = new Map<string, { readonly groups: Set<string>; isLater: boolean }>();
  /** Watches and streams that have not ended. */
  readonly #begun = new Set<string>();
  readonly #acts = new Map<string, LetPass>();
  #uncounted = 0;
  #from: string | undefined;
  #to: string | undefined;

  constructor(question: RightsQuestion) {
    this.#question = question;
    this.#rbac = new StandingRbac(question.at);
  }

  begin(): void {
    this.#rbac.clear();
    [this.#groups, this.#begun, this.#acts].forEach((each) => each.clear());
    this.#uncounted = 0;
    this.#from = undefined;
    this.#to = undefined;
  }

  event(event: ReplayedEvent): void {
    const { scan } = event;
    if (scan.stage === "RequestReceived") {
      return;
    }
    const time = boundedText(scan.text("requestReceivedTimestamp") ?? "");
    this.#from = this.#from === undefined || time < this.#from ? time : this.#from;
    this.#to = this.#to === undefined || time > this.#to ? time : this.#to;
    this.#rbac.event(event);
    const { reason } = this.#head.annotations(scan);
    if (reason !== undefined) {
      this.#rbac.used(reason, scan);
    }
    const name = this.#head.impersonated(scan) ?? this.#head.user(scan).name;
    if (name !== "" && matches(name, this.#question.actor)) {
      this.#act(scan, name, reason ?? "", time);
    }
  }

  result(): RightsAt {
    const identities = this.#identities();
    const acts = Map.groupBy(this.#acts.values(), ({ reason }) => bindingOf(reason));
    const standing = this.#rbac.standing().filter(({ kind }) => kind.endsWith("Binding"));
    const bindings = standing
      .filter(({ object }) => this.#isMeant(object, identities))
      .map((standing) => this.#describe(standing, acts.get(nameOf(standing)) ?? []))
      .toSorted((a, b) => (lastOf(a) > lastOf(b) ? -1 : 1));
    const shown = new Set(bindings.map(({ binding }) => binding));
    const letPassOtherwise = [...acts].filter(([binding]) => !shown.has(binding)).flatMap(([, each]) => each);
    return {
      at: this.#question.at,
      identities,
      isKnown: identities.some(({ isSeen }) => isSeen) || standing.some(({ object }) => this.#isNamed(object)),
      bindings,
      letPassOtherwise,
      unknown: [...this.#unknown(identities, bindings, letPassOtherwise)],
    };
  }

  #act(scan: EventScan, actor: string, reason: string, time: string): void {
    const isLater = time > this.#question.at;
    const known = this.#groups.get(actor);
    const groups =
      scan.has("impersonatedUser") && this.#head.impersonated(scan) === actor
        ? ((scan.value("impersonatedUser.groups") as readonly string[] | undefined) ?? [])
        : this.#head.user(scan).groups;
    if (known === undefined && this.#groups.size < MOST_IDENTITIES) {
      this.#groups.set(actor, {
        groups: new Set(groups.slice(0, MOST_GROUPS).map((each) => boundedText(each))),
        isLater,
      });
    } else if (known !== undefined && !isLater && known.groups.size < MOST_GROUPS) {
      groups.slice(0, MOST_GROUPS).forEach((group) => known.groups.add(boundedText(group)));
    }
    if (scan.code === 401 || scan.code === 403 || this.#isCounted(scan)) {
      return;
    }
    const access = boundedText(describeAccess(accessOf(attributesOfScan(scan))));
    const key = JSON.stringify([actor, access, reason]);
    const act = this.#acts.get(key);
    if (act !== undefined) {
      act.requests++;
      act.last = time > act.last ? time : act.last;
    } else if (this.#acts.size < MOST_ACTS) {
      const auditID = boundedText(scan.text("auditID") ?? "");
      this.#acts.set(key, { actor, access, reason, first: time, last: time, requests: 1, auditID });
    } else {
      this.#uncounted++;
    }
  }

  /** Whether it is the end of a watch or stream that was counted when it began. */
  #isCounted(scan: EventScan): boolean {
    const auditID = boundedText(scan.text("auditID") ?? "");
    if (scan.stage === "ResponseStarted" && this.#begun.size < MOST_BEGUN) {
      this.#begun.add(auditID);
      return false;
    }
    return this.#begun.delete(auditID);
  }

  #identities(): readonly Identity[] {
    const { actor } = this.#question;
    const seen = [...this.#groups].map(([name, { groups }]) => ({
      name,
      groups: [...new Set([...groups, ...impliedGroups(name)])].toSorted(),
      isSeen: true,
    }));
    return seen.length > 0 || actor.includes("*")
      ? seen.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      : [{ name: actor, groups: impliedGroups(actor), isSeen: false }];
  }

  /** Whether a binding is for somebody who is asked for, or for somebody of that name of whom there is no request. */
  #isMeant(object: RbacObject | undefined, identities: readonly Identity[]): boolean {
    const { actor } = this.#question;
    if (actor === "*") {
      return true;
    }
    const isIn = (subject: Subject): boolean => identities.some(({ name, groups }) => isSubject(subject, name, groups));
    return object?.subjects.some(isIn) === true || this.#isNamed(object);
  }

  #isNamed(object: RbacObject | undefined): boolean {
    const isNamed = (subject: Subject): boolean =>
      subject.kind !== "Group" && matches(userOf(subject), this.#question.actor);
    return object?.subjects.some(isNamed) === true;
  }

  #describe(standing: Standing, letPass: readonly LetPass[]): BindingAt {
    const { namespace, object, by, proof, made, changed, isStale } = standing;
    const { kind = "", name = "" } = object?.role ?? {};
    const place = kind === "Role" ? namespace : undefined;
    const role = this.#rbac.find(kind, place, name);
    return {
      binding: nameOf(standing),
      role: `${kind} ${name}`.trim(),
      namespace,
      subjects: (object?.subjects ?? []).map(subjectText),
      by,
      proof,
      made,
      created: object?.created ?? "",
      changed,
      isStale,
      isRoleStale: role?.isStale ?? false,
      rules: role?.isWhole === true ? role.object?.rules.map(ruleText) : undefined,
      rulesOf: role?.changed ?? role?.proof,
      roleGone: this.#rbac.gone(kind, place, name),
      letPass: letPass.toSorted((a, b) => (a.first < b.first ? -1 : 1)),
    };
  }

  *#unknown(
    identities: readonly Identity[],
    bindings: readonly BindingAt[],
    otherwise: readonly LetPass[],
  ): Generator<string, void> {
    const { at } = this.#question;
    const [from, to] = [this.#from ?? "", this.#to ?? ""];
    if (at < from) {
      yield `The log begins at ${from}, after that time: only what later events say of it is told`;
    } else if (at > to) {
      yield `The log ends at ${to}, before that time: what changed since is not in it`;
    }
    const unlisted = (["ClusterRoleBinding", "RoleBinding"] as const).filter((kind) => !this.#rbac.listed.has(kind));
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
    const silent = otherwise.filter(({ reason }) => reason === "");
    if (silent.length > 0) {
      yield `${sum(silent)} requests were let pass without a reason: for a member of ${MASTERS}, or by another authorizer than RBAC (Node, a webhook), or the log holds no annotations`;
    }
    if (this.#rbac.unclear.length > 0) {
      yield `Roles or bindings were deleted together, and no answer says which: auditID ${few(this.#rbac.unclear.map(({ auditID }) => auditID))}`;
    }
    if (this.#rbac.evicted + this.#uncounted > 0) {
      yield `There was no room for ${this.#rbac.evicted} roles, bindings or bodies of them and for ${this.#uncounted} requests`;
    }
  }
}

function userOf({ kind, namespace, name }: Subject): string {
  return kind === "ServiceAccount" ? `system:serviceaccount:${namespace}:${name}` : name;
}

/** Added by the apiserver itself, whatever the credential says. */
function impliedGroups(name: string): readonly string[] {
  const [, namespace] = /^system:serviceaccount:([^:]+):[^:]+$/.exec(name) ?? [];
  return [
    ...(name === "system:anonymous" ? ["system:unauthenticated"] : ["system:authenticated"]),
    ...(namespace === undefined ? [] : ["system:serviceaccounts", `system:serviceaccounts:${namespace}`]),
  ];
}

function nameOf({ kind, namespace, name }: Pick<Standing, "kind" | "namespace" | "name">): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

function bindingOf(reason: string): string {
  const grant = readReason(reason);
  return grant === undefined ? reason : nameOf(bindingIn(grant));
}

function lastOf({ changed, proof }: BindingAt): string {
  return changed?.time ?? proof.time;
}

function few(names: readonly string[]): string {
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : "";
  return `${names.slice(0, MOST_NAMED).join(", ")}${more}`;
}

function sum(acts: readonly LetPass[]): number {
  return acts.reduce((total, { requests }) => total + requests, 0);
}
