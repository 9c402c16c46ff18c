import { goUnquote } from "@auditsieve/audit";
import type { AuditEvent, JsonObject, JsonValue } from "@auditsieve/audit";
import { objectOfPatch } from "../condition/patched-object.ts";
import { finite, objectParts, onePart } from "../json-parts.ts";
import { headOf, isMissing, partAt, rootOf, timeOfEvent } from "../reading/event-parts.ts";
import type { BodyName } from "../reading/event-parts.ts";
import type { HeadView } from "../reading/head-view.ts";
import { at, nameOf, objectsAt, textAt } from "./body.ts";
import { credentialId } from "./head-reads.ts";
import { RecentMap } from "./recent-map.ts";
import type { MapWatch } from "./recent-map.ts";

/** A binding that was made or changed while we looked. */
export interface Grant {
  /** Event time in ms. */
  readonly at: number;
  readonly by?: string;
}

/** What the RBAC authorizer says of an allowed request. */
export interface AllowedBy {
  /** `ClusterRoleBinding/name` or `RoleBinding/namespace/name`. */
  readonly binding: string;
  /** `ClusterRole/name` or `Role/name`. */
  readonly role: string;
}

/** Resources that grant roles. */
export const BINDINGS: ReadonlySet<JsonValue | undefined> = new Set(["rolebindings", "clusterrolebindings"]);

/** @see https://github.com/kubernetes/kubernetes/blob/master/plugin/pkg/auth/authorizer/rbac/rbac.go */
const REASON =
  /^RBAC: allowed by (ClusterRoleBinding|RoleBinding) ("[^"\\]*(?:\\.[^"\\]*)*") of (ClusterRole|Role) ("[^"\\]*(?:\\.[^"\\]*)*") to /s;
/** Of a name: a reason with a longer one is not read, so that nobody asks for its grant. */
const MOST_LETTERS = 512;
/** Of one grant: with more there would soon be no room for those of others. */
const MOST_SUBJECTS = 256;
/** How long a grant counts as recent: until then the requests of its subjects are looked at. */
export const RECENT_GRANT_MS: number = 24 * 3_600_000;

/** Bindings that were made or changed lately, and the subjects that may use them. */
export class GrantMemory {
  readonly #grants: RecentMap<Grant>;
  /** The subjects of recent grants, each with the time of its last one. */
  readonly #subjects: RecentMap<number>;
  readonly #watches: MapWatch[] = [];
  #newest = Number.NEGATIVE_INFINITY;
  /** The last grant of which nobody knows for whom it is. */
  #unclear = Number.NEGATIVE_INFINITY;

  constructor(max: number) {
    this.#grants = new RecentMap(max, ({ by = "" }) => by.length);
    this.#subjects = new RecentMap(max);
  }

  get evicted(): number {
    return this.#grants.evicted + this.#subjects.evicted;
  }

  /** Has changes told, by binding and by subject. */
  watch(grants: MapWatch, subjects: MapWatch): void {
    this.#grants.watch(grants);
    this.#subjects.watch(subjects);
    this.#watches.push(subjects);
  }

  find(binding: string): Grant | undefined {
    return this.#grants.get(binding);
  }

  /** Whether a request of these users or groups can be allowed by a recent grant; `now` in ms. */
  mayUse(names: readonly string[], now: number): boolean {
    if (this.#newest < now - RECENT_GRANT_MS) {
      return false;
    }
    return (
      this.#unclear >= now - RECENT_GRANT_MS ||
      names.some((name) => (this.#subjects.get(name) ?? Number.NEGATIVE_INFINITY) >= now - RECENT_GRANT_MS)
    );
  }

  /** Until when {@link GrantMemory.mayUse} goes the same way if nothing is learned meanwhile; in ms, Infinity for ever. */
  mayUseUntil(names: readonly string[], now: number): number {
    let first = Math.min(endOf(this.#newest, now), endOf(this.#unclear, now));
    for (let i = 0; i < names.length; i++) {
      first = Math.min(first, endOf(this.#subjects.peek(names[i] as string), now));
    }
    return first;
  }

  /** Takes a successful request about a binding into account; `now` in ms. */
  observe(event: AuditEvent, now: number): void {
    // A line may be parsed as a whole when more is asked for than the head and single values of the bodies.
    const head = headOf(event);
    const name = nameOf(event);
    const at = timeOfEvent(event);
    if (name === undefined || Number.isNaN(at) || isBootstrap(event, head)) {
      return;
    }
    const isNamespaced = head.get("objectRef.resource") === "rolebindings";
    const namespace = head.get("objectRef.namespace") as string | undefined;
    const key = isNamespaced ? `RoleBinding/${namespace ?? ""}/${name}` : `ClusterRoleBinding/${name}`;
    if (head.get("verb") === "delete") {
      this.#grants.delete(key);
      return;
    }
    const subjects = subjectsOf(event, "responseObject", namespace) ?? subjectsOf(event, "requestObject", namespace);
    const by = head.get("user.username") as string | undefined;
    if (name.length <= MOST_LETTERS) {
      this.#grants.replace(key, { at, ...(by !== undefined && { by }) });
    }
    this.#newest = Math.max(this.#newest, at);
    if (subjects && subjects.length <= MOST_SUBJECTS) {
      subjects.forEach((subject) => this.#granted(subject, at, now));
    } else {
      this.#unclear = Math.max(this.#unclear, at);
      this.#watches.forEach((watch) => watch.rotated());
    }
  }

  /** Who has a recent grant and gets another one may do what they could: nobody need be told. One that is read late is not their last. */
  #granted(subject: string, at: number, now: number): void {
    const before = this.#subjects.peek(subject) ?? Number.NEGATIVE_INFINITY;
    const last = Math.max(before, at);
    if (before >= now - RECENT_GRANT_MS) {
      this.#subjects.setSilently(subject, last);
    } else {
      this.#subjects.set(subject, last);
    }
  }

  /** For {@link GrantMemory.restore}: as text, in parts. */
  snapshot(): Iterable<string> {
    return objectParts({
      grants: () => this.#grants.snapshot((grant) => ({ ...grant })),
      subjects: () => this.#subjects.snapshot((time) => time),
      newest: () => onePart(finite(this.#newest)),
      unclear: () => onePart(finite(this.#unclear)),
    });
  }

  restore(snapshot: unknown): void {
    const { grants, subjects, newest, unclear } = (snapshot ?? {}) as Readonly<Record<string, unknown>>;
    this.#grants.restore(grants, (value) =>
      typeof value === "object" && value !== null ? (value as Grant) : undefined,
    );
    this.#subjects.restore(subjects, (value) => (typeof value === "number" ? value : undefined));
    this.#newest = typeof newest === "number" ? newest : Number.NEGATIVE_INFINITY;
    this.#unclear = typeof unclear === "number" ? unclear : Number.NEGATIVE_INFINITY;
  }
}

/** When a grant is not recent any more; Infinity where it is not now. */
function endOf(time: number | undefined, now: number): number {
  const end = (time ?? Number.NEGATIVE_INFINITY) + RECENT_GRANT_MS;
  return Number.isFinite(end) && end >= now ? end : Number.POSITIVE_INFINITY;
}

/** Which binding allowed a request, as the authorizer wrote it. */
export function allowedBy(reason: string | undefined): AllowedBy | undefined {
  const [, kind, quotedName = "", roleKind = "", quotedRole = ""] = REASON.exec(reason ?? "") ?? [];
  const name = kind === undefined ? "" : (goUnquote(quotedName) ?? "");
  const role = name === "" ? "" : (goUnquote(quotedRole) ?? "");
  if (role === "" || Math.max(name.length, role.length) > MOST_LETTERS) {
    return undefined;
  }
  const [bare = "", namespace] = kind === "RoleBinding" ? splitLast(name) : [name];
  return {
    binding: [kind, namespace, bare].filter((part) => part !== undefined).join("/"),
    role: `${roleKind}/${role}`,
  };
}

/**
 * The user names and groups that the subjects of a binding stand for; undefined when the body has none. A JSON patch
 * counts by the values that it puts in.
 */
export function subjectsOf(
  event: AuditEvent,
  body: BodyName,
  namespace: string | undefined,
): readonly string[] | undefined {
  const listed = partAt(event, body, SUBJECTS);
  const whole = listed === undefined ? rootOf(event, body) : undefined;
  const patches = Array.isArray(whole) ? (whole as readonly JsonValue[]) : undefined;
  // All that is written counts, though another step may take it out again: what stands at a place of the list nobody knows.
  const names = patches
    ? [
        ...patches.flatMap((step) => namesOfStep(step, namespace)),
        ...objectsAt(objectOfPatch(patches), "subjects").flatMap((subject) => namesOfWritten(subject, namespace)),
      ]
    : objectsAt(listed).flatMap((subject) => nameOfSubject(subject, namespace));
  return names.length > 0 ? [...new Set(names)] : undefined;
}

function namesOfStep(step: JsonValue, namespace: string | undefined): readonly string[] {
  const [path, value] = [at(step, "path"), at(step, "value")];
  // What stands before the first slash does not count for the apiserver.
  if (typeof path !== "string" || value === undefined || !/^[^/]*\/subjects(?:\/[^/]+)?$/.test(path)) {
    return [];
  }
  return objectsAt(Array.isArray(value) ? value : [value]).flatMap((subject) => nameOfSubject(subject, namespace));
}

/** Where a patch writes the name alone nobody knows of what kind it is: it may be any. */
function namesOfWritten(subject: JsonObject, namespace: string | undefined): readonly string[] {
  const name = textAt(subject, "name");
  return name === undefined || typeof at(subject, "kind") === "string"
    ? nameOfSubject(subject, namespace)
    : [name, accountName(textAt(subject, "namespace") ?? namespace, name)];
}

function nameOfSubject(subject: JsonValue, namespace: string | undefined): readonly string[] {
  const name = textAt(subject, "name");
  if (name === undefined) {
    return [];
  }
  return [
    textAt(subject, "kind") === "ServiceAccount" ? accountName(textAt(subject, "namespace") ?? namespace, name) : name,
  ];
}

function accountName(namespace: string | undefined, name: string): string {
  return `system:serviceaccount:${namespace ?? ""}:${name}`;
}

/**
 * At each start the apiserver writes the bindings that Kubernetes itself ships, by its own token, which has no id. Where no body says what it wrote
 * it wrote those: it writes no others.
 */
function isBootstrap(event: AuditEvent, head: HeadView): boolean {
  return (
    head.get("user.username") === "system:apiserver" &&
    (isMissing(event, "requestObject")
      ? credentialId(head) === undefined
      : textAt(partAt(event, "requestObject", BOOTSTRAPPING)) === "rbac-defaults")
  );
}

const SUBJECTS = ["subjects"] as const;
const BOOTSTRAPPING = ["metadata", "labels", "kubernetes.io/bootstrapping"] as const;

/** `name/namespace` as the authorizer writes it; a name may hold no slash, a namespace neither. */
function splitLast(text: string): readonly [string, string | undefined] {
  const slash = text.lastIndexOf("/");
  return slash < 0 ? [text, undefined] : [text.slice(0, slash), text.slice(slash + 1)];
}
