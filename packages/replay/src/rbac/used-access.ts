import { attributesOfScan } from "@auditsieve/audit";
import type { AuditEvent, EventScan } from "@auditsieve/audit";
import type { ReplayedEvent, ReplayVisitor } from "../replayed-event.ts";
import { accessKey, accessOf } from "./access.ts";
import type { Access } from "./access.ts";

/** An access and how often it was used. */
export interface AccessCount {
  readonly access: Access;
  events: number;
  /** Of these, those that chose among objects by labels or fields. */
  selected: number;
}

/** What a log says of the accesses of one actor. */
export interface UsedAccess {
  readonly actor: string;
  /** Allowed, by the authorizer's own word or because the answer was none of a refusal. */
  readonly allowed: readonly AccessCount[];
  /** Asked for and refused. */
  readonly refused: readonly AccessCount[];
  /** Groups that the actor was in. */
  readonly groups: readonly string[];
  /** What the authorizer gave as its reason, and how often: names the bindings. */
  readonly reasons: readonly { readonly reason: string; readonly events: number }[];
  /** Accesses that others were allowed. */
  readonly others: readonly Access[];
  /** Accesses that were not counted because there are too many. */
  readonly uncounted: number;
}

const MOST = 200_000;
const DECISION = "authorization.k8s.io/decision";
const REASON = "authorization.k8s.io/reason";
const SELECTOR = /[?&](?:label|field)Selector=[^&]/;
/** Opened by a GET since websockets carry them; an apiserver from 1.35 on asks for create all the same. */
const STREAMS: ReadonlySet<string> = new Set(["pods/exec", "pods/attach", "pods/portforward"]);
/** Added by the apiserver itself to whoever is impersonated. */
const IMPLIED_GROUPS = /^system:(?:authenticated|unauthenticated|serviceaccounts(?::.*)?)$/;

/**
 * Looks on while a log is replayed, and notes what one actor was allowed, also what was allowed to those that
 * impersonated it. RequestReceived decides nothing: impersonation and the answer are not known then.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/core/pod/rest/subresources.go
 * @see https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/handlers/patch.go
 */
export class UsedAccessVisitor implements ReplayVisitor {
  readonly #actor: string;
  readonly #allowed = new Map<string, AccessCount>();
  readonly #refused = new Map<string, AccessCount>();
  readonly #others = new Map<string, Access>();
  readonly #groups = new Set<string>();
  readonly #reasons = new Map<string, number>();
  #uncounted = 0;

  constructor(actor: string) {
    this.#actor = actor;
  }

  begin(): void {
    [this.#allowed, this.#refused, this.#others, this.#groups, this.#reasons].forEach((each) => each.clear());
    this.#uncounted = 0;
  }

  event(event: ReplayedEvent): void {
    const { scan } = event;
    const user = scan.text("user.username");
    if (scan.stage === "RequestReceived" || user === undefined) {
      return;
    }
    const impersonated = scan.text("impersonatedUser.username");
    if (user === this.#actor && scan.has("impersonatedUser")) {
      impersonationsOf(event.original()).forEach((access) => this.#put(this.#allowed, access, false));
    }
    const isActor = (impersonated ?? user) === this.#actor;
    if (!isActor) {
      this.#other(scan);
      return;
    }
    const { annotations } = event.original();
    const outcome = outcomeOf(scan, annotations?.[DECISION]);
    if (outcome === "unknown") {
      return;
    }
    const counts = outcome === "allowed" ? this.#allowed : this.#refused;
    const isSelected = SELECTOR.test(scan.text("requestURI") ?? "");
    accessesOf(scan).forEach((access) => this.#put(counts, access, isSelected));
    const groups = (scan.value(impersonated === undefined ? "user.groups" : "impersonatedUser.groups") ??
      []) as string[];
    groups.forEach((group) => this.#groups.add(group));
    if (outcome === "allowed") {
      const reason = annotations?.[REASON] ?? "";
      this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    }
  }

  result(): UsedAccess {
    const allowed = new Set(this.#allowed.keys());
    return {
      actor: this.#actor,
      allowed: mostFirst(this.#allowed),
      refused: mostFirst(this.#refused),
      groups: [...this.#groups].sort(),
      reasons: [...this.#reasons].map(([reason, events]) => ({ reason, events })).sort((a, b) => b.events - a.events),
      others: [...this.#others].filter(([key]) => !allowed.has(key)).map(([, access]) => access),
      uncounted: this.#uncounted,
    };
  }

  #put(counts: Map<string, AccessCount>, access: Access, isSelected: boolean): void {
    const key = accessKey(access);
    const selected = isSelected ? 1 : 0;
    const known = counts.get(key);
    if (known !== undefined) {
      known.events++;
      known.selected += selected;
    } else if (counts.size < MOST) {
      counts.set(key, { access, events: 1, selected });
    } else {
      this.#uncounted++;
    }
  }

  #other(scan: EventScan): void {
    if (this.#others.size < MOST && outcomeOf(scan, undefined) === "allowed") {
      const access = accessOf(attributesOfScan(scan));
      this.#others.set(accessKey(access), access);
    }
  }
}

function outcomeOf(scan: EventScan, decision: string | undefined): "allowed" | "refused" | "unknown" {
  if (decision !== undefined) {
    return decision === "allow" ? "allowed" : "refused";
  }
  const { code } = scan;
  return code === undefined ? "unknown" : code === 401 || code === 403 ? "refused" : "allowed";
}

function accessesOf(scan: EventScan): readonly Access[] {
  const access = accessOf(attributesOfScan(scan));
  const { verb, resource } = access;
  const isCreatedByPut = (verb === "patch" || verb === "update") && scan.code === 201;
  return isCreatedByPut || (verb === "get" && STREAMS.has(resource) && scan.code === 101)
    ? [access, { ...access, verb: "create" }]
    : [access];
}

/**
 * What the impersonation filter asks for, where it asks by the verb `impersonate`.
 *
 * @see https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/filters/impersonation.go
 */
function impersonationsOf({ impersonatedUser }: AuditEvent): readonly Access[] {
  const { username = "", uid = "", groups = [], extra = {} } = impersonatedUser ?? {};
  const base = { verb: "impersonate", group: "", resource: "users", namespace: "", name: username, path: "" };
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
  const [, namespace = "", name = ""] = account ?? [];
  return [
    account === null ? base : { ...base, resource: "serviceaccounts", namespace, name },
    ...groups
      .filter((group) => !IMPLIED_GROUPS.test(group))
      .map((group) => ({ ...base, resource: "groups", name: group })),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => ({ ...base, group: "authentication.k8s.io", resource: `userextras/${key}`, name: value })),
    ),
    ...(uid === "" ? [] : [{ ...base, group: "authentication.k8s.io", resource: "uids", name: uid }]),
  ];
}

function mostFirst(counts: ReadonlyMap<string, AccessCount>): readonly AccessCount[] {
  return [...counts.values()].sort((a, b) => b.events - a.events);
}
