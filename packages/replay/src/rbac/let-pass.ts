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

/** Somebody whose rights are asked for, as the log knows them. */
export interface Identity {
  readonly name: string;
  /** Of its requests until then, or where there is none of the first one later; of a service account also those that it is always in. */
  readonly groups: readonly string[];
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
  readonly #groups = new Map<string, { readonly groups: Set<string>; isLater: boolean }>();
  /** Watches and streams that have not ended. */
  readonly #begun = new Set<string>();
  readonly #acts = new Map<string, LetPass>();
  /** Requests that there was no room for. */
  uncounted = 0;

  constructor(at: string) {
    this.#at = at;
  }

  clear(): void {
    [this.#groups, this.#begun, this.#acts].forEach((each) => each.clear());
    this.uncounted = 0;
  }

  /** Takes a request of somebody who is asked for. */
  add(scan: EventScan, actor: string, reason: string, time: string): void {
    const isLater = time > this.#at;
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
      this.uncounted++;
    }
  }

  /** Those of whom there are requests, in the order of their names; of a name without any it alone. */
  identities(actor: string): readonly Identity[] {
    const seen = [...this.#groups].map(([name, { groups }]) => ({
      name,
      groups: [...new Set([...groups, ...impliedGroups(name)])].toSorted(),
      isSeen: true,
    }));
    return seen.length > 0 || actor.includes("*")
      ? seen.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      : [{ name: actor, groups: impliedGroups(actor), isSeen: false }];
  }

  /** By access and reason; those that were refused are none. */
  acts(): Iterable<LetPass> {
    return this.#acts.values();
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

/** Added by the apiserver itself, whatever the credential says. */
function impliedGroups(name: string): readonly string[] {
  const [, namespace] = /^system:serviceaccount:([^:]+):[^:]+$/.exec(name) ?? [];
  return [
    ...(name === "system:anonymous" ? ["system:unauthenticated"] : ["system:authenticated"]),
    ...(namespace === undefined ? [] : ["system:serviceaccounts", `system:serviceaccounts:${namespace}`]),
  ];
}
