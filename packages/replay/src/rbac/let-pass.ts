import { attributesOfScan } from "@auditsieve/audit";
import type { EventScan } from "@auditsieve/audit";
import { boundedText } from "../bounded-text.ts";
import { HeadReader } from "../facts/event-head.ts";
import { accessOf, describeAccess } from "./access.ts";

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

/** A request that came in with a group. */
export interface ShownBy {
  readonly time: string;
  readonly auditID: string;
  /** Who impersonated the identity, and so chose its groups; undefined for a request of its own. */
  readonly impersonator: string | undefined;
}

/** A group, and what says that somebody is in it. */
export interface Membership {
  readonly group: string;
  /** The last request until then that came in with it, or where there is no request until then the first one later; undefined where the apiserver itself adds it. */
  readonly shown: ShownBy | undefined;
  readonly isLater: boolean;
  /** The last request of all until then came in without it: with another credential, or it was taken away. */
  readonly isLeft: boolean;
}

/** Somebody whose rights are asked for, as the log knows them. */
export interface Identity {
  readonly name: string;
  /** Without those that only somebody who impersonated it chose. */
  readonly groups: readonly string[];
  /** What says so of each, and of those chosen groups. */
  readonly memberships: readonly Membership[];
  /** Whether a request says so. */
  readonly isSeen: boolean;
}

const MOST_IDENTITIES = 5_000;
const MOST_GROUPS = 200;
const MOST_ACTS = 20_000;
const MOST_BEGUN = 5_000;

/** What those who are asked for did, and in which groups they were at a time. */
export class LetPassRequests {
  readonly #at: string;
  readonly #head = new HeadReader();
  readonly #known = new Map<string, KnownGroups>();
  /** Watches and streams that have not ended. */
  readonly #begun = new Set<string>();
  readonly #acts = new Map<string, LetPass>();
  /** Requests that there was no room for. */
  uncounted = 0;

  constructor(at: string) {
    this.#at = at;
  }

  clear(): void {
    [this.#known, this.#begun, this.#acts].forEach((each) => each.clear());
    this.uncounted = 0;
  }

  /** Takes a request of somebody who is asked for. */
  add(scan: EventScan, actor: string, reason: string, time: string): void {
    this.#learn(scan, actor, time);
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
      this.uncounted++;
    }
  }

  /** Those of whom there are requests, in the order of their names; of a name without any it alone. */
  identities(actor: string): readonly Identity[] {
    const seen = [...this.#known].map(([name, known]) => identity(name, known));
    return seen.length > 0 || actor.includes("*")
      ? seen.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      : [identity(actor, undefined)];
  }

  /** By access and reason; those that were refused are none. */
  acts(): Iterable<LetPass> {
    return this.#acts.values();
  }

  #learn(scan: EventScan, actor: string, time: string): void {
    const isLater = time > this.#at;
    const before = this.#known.get(actor);
    if (before === undefined ? this.#known.size >= MOST_IDENTITIES : isLater) {
      return;
    }
    const known = before?.isLater === false ? before : { isLater, last: "", groups: new Map() };
    this.#known.set(actor, known);
    const isImpersonated = scan.has("impersonatedUser") && this.#head.impersonated(scan) === actor;
    const user = this.#head.user(scan);
    const groups = isImpersonated
      ? ((scan.value("impersonatedUser.groups") as readonly string[] | undefined) ?? [])
      : user.groups;
    const by = {
      time,
      auditID: boundedText(scan.text("auditID") ?? ""),
      impersonator: isImpersonated ? user.name : undefined,
    };
    known.last = !isImpersonated && time > known.last ? time : known.last;
    for (const each of groups.slice(0, MOST_GROUPS)) {
      const group = boundedText(each);
      const shown = known.groups.get(group);
      if (shown === undefined ? known.groups.size < MOST_GROUPS : saysMore(by, shown)) {
        known.groups.set(group, by);
      }
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
}

/** The groups of somebody's requests until then, or those of the first one later. */
interface KnownGroups {
  readonly isLater: boolean;
  /** Time of the last of these requests that was its own. */
  last: string;
  readonly groups: Map<string, ShownBy>;
}

/** Whoever impersonates chooses the groups: a request of the identity's own says more. */
function saysMore(one: ShownBy, other: ShownBy): boolean {
  const [isOwn, wasOwn] = [one, other].map(({ impersonator }) => impersonator === undefined);
  return isOwn === wasOwn ? one.time > other.time : isOwn === true;
}

function identity(name: string, known: KnownGroups | undefined): Identity {
  const implied = impliedGroups(name);
  const all = [...new Set([...(known?.groups.keys() ?? []), ...implied])].toSorted();
  const memberships = all.map((group): Membership => {
    const shown = known?.groups.get(group);
    const isLeft = shown !== undefined && shown.impersonator === undefined && shown.time !== known?.last;
    return { group, shown, isLater: shown !== undefined && known?.isLater === true, isLeft };
  });
  const groups = memberships.filter(({ group, shown }) => shown?.impersonator === undefined || implied.includes(group));
  return { name, groups: groups.map(({ group }) => group), memberships, isSeen: known !== undefined };
}

/** Added by the apiserver itself, whatever the credential says. */
function impliedGroups(name: string): readonly string[] {
  const [, namespace] = /^system:serviceaccount:([^:]+):[^:]+$/.exec(name) ?? [];
  return [
    ...(name === "system:anonymous" ? ["system:unauthenticated"] : ["system:authenticated"]),
    ...(namespace === undefined ? [] : ["system:serviceaccounts", `system:serviceaccounts:${namespace}`]),
  ];
}
