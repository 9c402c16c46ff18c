import type { JsonValue } from "@auditsieve/audit";

/**
 * The fields that stand outside the bodies in the line that the apiserver writes: what a scanner can give without
 * parsing those. `wide` ones take so many values that answers about them are not worth remembering.
 */
const HEAD = {
  level: "narrow",
  stage: "narrow",
  verb: "narrow",
  requestURI: "wide",
  "user.username": "narrow",
  "user.groups": "narrow",
  "user.extra.authentication.kubernetes.io/credential-id": "wide",
  "impersonatedUser.username": "narrow",
  "impersonatedUser.groups": "narrow",
  sourceIPs: "wide",
  userAgent: "wide",
  "objectRef.resource": "narrow",
  "objectRef.subresource": "narrow",
  "objectRef.apiGroup": "narrow",
  "objectRef.apiVersion": "narrow",
  "objectRef.namespace": "narrow",
  "objectRef.name": "wide",
  "responseStatus.code": "narrow",
  "user.extra": "wide",
  annotations: "wide",
} as const;

/** Name of a head field, as a detection writes it. */
export type HeadField = keyof typeof HEAD;

/** Every {@link HeadField}, in the order in which the apiserver writes them. */
export const HEAD_FIELDS = Object.keys(HEAD) as readonly HeadField[];

/**
 * The head of an event: what `DetectionEngine` needs to say that a line cannot matter. The byte scanner implements it
 * without parsing; `headOf` makes one from a decoded event. Undefined means that the event has no such field.
 */
export interface HeadView {
  get(field: HeadField): JsonValue | undefined;
  /** Whether the field is a text without any of these characters of ASCII, as far as that can be said without decoding it. False says nothing. */
  isWithout?(field: HeadField, characters: readonly string[]): boolean;
  /** What is kept for all heads that agree in every field of {@link ACTOR_FIELDS}, where it is at hand without decoding them that they do. */
  actor?(): Map<unknown, unknown> | undefined;
  /** What was noted for a head that is the same in every field of that part, if the view remembers heads. */
  recall?(part: "whole" | "unnamed"): unknown;
  /** Notes something for this head; `recall` must have found nothing. */
  note?(part: "whole" | "unnamed", value: unknown): void;
}

/**
 * How much of a head is looked at: all of it, all but the name and the URI (which control loops change with every
 * object), only what takes few values, only what was asked for, or only who did it.
 */
export type HeadPart = "whole" | "unnamed" | "narrow" | "request" | "actor";

/** Whether a head field belongs to the part. */
export function isInPart(field: HeadField, part: HeadPart): boolean {
  switch (part) {
    case "whole":
      return true;
    case "unnamed":
      return !NAMES.has(field);
    case "narrow":
      return !isWide(field);
    case "request":
      return REQUEST_FIELDS.includes(field);
    case "actor":
      return ACTOR.has(field);
    default: {
      const never: never = part;
      return never;
    }
  }
}

/** Of them every part says what is absent and what unknown. */
export const DEED_FIELDS: readonly HeadField[] = [
  "stage",
  "verb",
  "objectRef.resource",
  "objectRef.subresource",
  "responseStatus.code",
];

export const REQUEST_FIELDS: readonly HeadField[] = ["verb", "objectRef.resource", "objectRef.subresource"];

/** The user's credential is within `user.extra`. */
export const ACTOR_FIELDS: readonly HeadField[] = [
  "user.username",
  "user.groups",
  "user.extra",
  "impersonatedUser.username",
  "impersonatedUser.groups",
  "sourceIPs",
  "userAgent",
];
const ACTOR: ReadonlySet<HeadField> = new Set([
  ...ACTOR_FIELDS,
  "user.extra.authentication.kubernetes.io/credential-id",
]);

const NAMES: ReadonlySet<HeadField> = new Set(["requestURI", "objectRef.name"]);

/** What `make` gives once for all heads with the actor of this one, where the view keeps something for them: it must depend on nothing else. */
export function keptOfActor<Value>(head: HeadView, key: unknown, make: () => Value): Value {
  const kept = head.actor?.();
  if (kept === undefined) {
    return make();
  }
  if (!kept.has(key)) {
    kept.set(key, make());
  }
  return kept.get(key) as Value;
}

/** The head field that holds `field`: itself, or the object that it stands in. */
export function headFieldOf(field: string): HeadField | undefined {
  if (isHeadField(field)) {
    return field;
  }
  return field.startsWith("annotations.") ? "annotations" : field.startsWith("user.extra.") ? "user.extra" : undefined;
}

function isHeadField(field: string): field is HeadField {
  return Object.hasOwn(HEAD, field);
}

export function isWide(field: HeadField): boolean {
  return HEAD[field] === "wide";
}
