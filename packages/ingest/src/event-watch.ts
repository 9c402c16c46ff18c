import type { DecidedBy, EventScan, Field } from "@auditsieve/audit";
import type { HeadField, QuietAnswer } from "@auditsieve/detect";

/** Looks at the events that pass by, and may say that it wants nothing of those with a certain head. */
export interface EventWatch {
  /** Looks at the event that `scan` holds. */
  event(scan: EventScan): void;
  /** That it wants nothing of events with the head of the one that it was shown last; undefined where it does, or cannot say so. */
  unwanted(scan: EventScan): QuietAnswer | undefined;
  /** Grows whenever one of these answers has ended, which only happens while it looks at events. */
  readonly epoch: number;
}

/** In which fields of the scan the fields of a head stand; undefined for those that only an answer about a name rests on. */
const HELD: Readonly<Record<HeadField, Field | undefined>> = {
  level: "level",
  stage: "stage",
  verb: "verb",
  requestURI: undefined,
  "user.username": "user",
  "user.groups": "user",
  "user.extra": "user",
  "user.extra.authentication.kubernetes.io/credential-id": "user",
  "impersonatedUser.username": "impersonatedUser",
  "impersonatedUser.groups": "impersonatedUser",
  sourceIPs: "sourceIPs",
  userAgent: "userAgent",
  "objectRef.resource": "objectRef.resource",
  "objectRef.subresource": "objectRef.subresource",
  "objectRef.apiGroup": "objectRef.apiGroup",
  "objectRef.apiVersion": "objectRef.apiVersion",
  "objectRef.namespace": "objectRef.namespace",
  "objectRef.name": undefined,
  "responseStatus.code": "responseStatus.code",
  annotations: "annotations",
};
const UNNAMED: readonly Field[] = [...new Set(Object.values(HELD).filter((field) => field !== undefined))];
const NAMED: readonly Field[] = [...UNNAMED, "requestURI", "objectRef.name"];
/** By the fields that a policy looks at, of which there is one list. */
const merged = new WeakMap<
  readonly Field[],
  { readonly named: readonly Field[]; readonly unnamed: readonly Field[] }
>();

/** What a decision rests on together with a {@link QuietAnswer} about the same event. */
export function withHead({ fields, uriEnd, name }: DecidedBy, scan: EventScan, isNamed: boolean): DecidedBy {
  let all = merged.get(fields);
  if (all === undefined) {
    all = { named: [...new Set([...fields, ...NAMED])], unnamed: [...new Set([...fields, ...UNNAMED])] };
    merged.set(fields, all);
  }
  return isNamed
    ? { fields: all.named, uriEnd: scan.valueEnd("requestURI"), name: undefined }
    : { fields: all.unnamed, uriEnd, name };
}
