import { boundedText } from "../bounded-text.ts";
import { HeadReader } from "../facts/event-head.ts";
import { readReason } from "../facts/rights.ts";
import type { ReplayedEvent, ReplayVisitor } from "../replayed-event.ts";
import { matches } from "../selection/text-pattern.ts";
import { LetPassRequests } from "./let-pass.ts";
import type { Identity, LetPass } from "./let-pass.ts";
import type { Proof } from "./rbac-answer.ts";
import { isSubject, rbacText, ruleText, subjectText, userOf } from "./rbac-object.ts";
import type { RbacObject, Subject } from "./rbac-object.ts";
import { bindingOfReason } from "./rbac-reason.ts";
import { StandingRbac } from "./standing-rbac.ts";
import type { Standing, StandsBy } from "./standing-rbac.ts";
import { unknownRights } from "./unknown-rights.ts";

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
  readonly #requests: LetPassRequests;
  readonly #head = new HeadReader();
  #from: string | undefined;
  #to: string | undefined;

  constructor(question: RightsQuestion) {
    this.#question = question;
    this.#rbac = new StandingRbac(question.at);
    this.#requests = new LetPassRequests(question.at);
  }

  begin(): void {
    this.#rbac.clear();
    this.#requests.clear();
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
      this.#requests.add(scan, name, reason ?? "", time);
    }
  }

  result(): RightsAt {
    const { actor, at } = this.#question;
    const identities = this.#requests.identities(actor);
    const acts = Map.groupBy(this.#requests.acts(), ({ reason }) => bindingOf(reason));
    const standing = this.#rbac.standing().filter(({ kind }) => kind.endsWith("Binding"));
    const bindings = standing
      .filter(({ object }) => this.#isMeant(object, identities))
      .map((one) => this.#describe(one, acts.get(rbacText(one)) ?? []))
      .toSorted((a, b) => (lastOf(a) > lastOf(b) ? -1 : 1));
    const shown = new Set(bindings.map(({ binding }) => binding));
    const letPassOtherwise = [...acts].filter(([binding]) => !shown.has(binding)).flatMap(([, each]) => each);
    const told = { at, identities, bindings, letPassOtherwise };
    const { uncounted } = this.#requests;
    const [from, to] = [this.#from ?? "", this.#to ?? ""];
    return {
      ...told,
      isKnown: identities.some(({ isSeen }) => isSeen) || standing.some(({ object }) => this.#isNamed(object)),
      unknown: [...unknownRights({ ...told, from, to, rbac: this.#rbac, uncounted })],
    };
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
      binding: rbacText(standing),
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
}

function bindingOf(reason: string): string {
  const grant = readReason(reason);
  return grant === undefined ? reason : rbacText(bindingOfReason(grant));
}

function lastOf({ changed, proof }: BindingAt): string {
  return changed?.time ?? proof.time;
}
