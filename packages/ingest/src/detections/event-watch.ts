import type { DecidedBy, EventScan, Field, Span, ToldLine } from "@auditsieve/audit";
import type { HeadField, QuietAnswer } from "@auditsieve/detect";

/** Looks at the events that pass by, and may say that it wants nothing of those with a certain head. */
export interface EventWatch {
  /** Looks at the event that `scan` holds; with an `answer` of {@link EventWatch.unwanted} that stands for it, if that is known. */
  event(scan: EventScan, answer?: QuietAnswer): void;
  /**
   * That it wants nothing of events with the head of the one that it was shown last, or no more than to be told of them; undefined where
   * it wants to be shown them, or cannot say.
   */
  unwanted(scan: EventScan): QuietAnswer | undefined;
  /** Parts of the annotations on which none of these answers rests; see {@link DecidedBy.loose}. */
  unasked?(scan: EventScan): readonly Span[];
  /** Takes an event about which one of these answers {@link QuietAnswer.tells}. */
  tell(answer: QuietAnswer, line: ToldLine): void;
  /** Grows whenever one of these answers has ended, which only happens while it looks at events or is told of them. */
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
const BUT_NAME: readonly Field[] = [...UNNAMED, "requestURI"];
const UNPLACED: readonly Field[] = UNNAMED.filter((field) => field !== "objectRef.namespace");
const BUT_NAMES: readonly Field[] = [...UNPLACED, "requestURI"];
const NAMED: readonly Field[] = [...UNNAMED, "requestURI", "objectRef.name"];
/** What says of a resource whether its bodies are secret. */
const SECRET: readonly Field[] = ["objectRef.resource", "objectRef.subresource"];
/** By the fields that a policy looks at, of which there is one list. */
const BUT_NAME_BY = new WeakMap<readonly Field[], readonly Field[]>();
const BUT_NAMES_BY = new WeakMap<readonly Field[], readonly Field[]>();
const UNPLACED_BY = new WeakMap<readonly Field[], readonly Field[]>();
const NAMED_BY = new WeakMap<readonly Field[], readonly Field[]>();
const UNNAMED_BY = new WeakMap<readonly Field[], readonly Field[]>();
const SEARCHED_BY = new WeakMap<readonly Field[], readonly Field[]>();

/**
 * What a decision rests on together with a {@link QuietAnswer} about the same event, which rests on nothing that is `unasked`. Where the decision
 * rests on no namespace it says so; so does this, unless the answer does.
 */
export function withHead(
  { fields, ...by }: DecidedBy,
  scan: EventScan,
  { isNamed, isForPlainNames, isOfNamespace }: QuietAnswer,
  unasked: readonly Span[] = [],
): DecidedBy {
  const loose = fields.includes("annotations") ? [] : unasked;
  const namespace = isOfNamespace ? undefined : by.namespace;
  const isPlaced = namespace === undefined;
  if (!isNamed) {
    const all = isPlaced ? merged(UNNAMED_BY, fields, UNNAMED) : merged(UNPLACED_BY, fields, UNPLACED);
    return { ...by, fields: all, namespace, loose };
  }
  const uriEnd = scan.valueEnd("requestURI");
  if (!isForPlainNames) {
    return { fields: merged(NAMED_BY, fields, NAMED), uriEnd, name: undefined, loose };
  }
  const all = isPlaced ? merged(BUT_NAME_BY, fields, BUT_NAME) : merged(BUT_NAMES_BY, fields, BUT_NAMES);
  return { fields: all, uriEnd, name: by.name, namespace, loose };
}

/** What a decision rests on together with that nothing has to be redacted: with parts of the URI that must stay as they are. */
export function withKept({ fields, ...by }: DecidedBy, kept: readonly Span[]): DecidedBy {
  return { ...by, fields: merged(SEARCHED_BY, fields, SECRET), kept };
}

function merged(
  by: WeakMap<readonly Field[], readonly Field[]>,
  fields: readonly Field[],
  others: readonly Field[],
): readonly Field[] {
  let all = by.get(fields);
  if (all === undefined) {
    all = [...new Set([...fields, ...others])];
    by.set(fields, all);
  }
  return all;
}
