import { MEMORY_ROOT, rememberedField, REMEMBERED_FIELDS } from "../condition/remembered-fields.ts";
import { OTHER_SPELLINGS } from "./audit-fields.ts";

/** Fields of an audit event by their parent; `true` means that anything may stand below. */
const USER = { username: false, uid: false, groups: false, extra: true };
const EVENT: Readonly<Record<string, boolean | Readonly<Record<string, boolean>>>> = {
  kind: false,
  apiVersion: false,
  level: false,
  auditID: false,
  stage: false,
  requestURI: false,
  verb: false,
  user: USER,
  impersonatedUser: USER,
  authenticationMetadata: true,
  sourceIPs: false,
  userAgent: false,
  objectRef: {
    resource: false,
    namespace: false,
    name: false,
    uid: false,
    apiGroup: false,
    apiVersion: false,
    resourceVersion: false,
    subresource: false,
  },
  responseStatus: { metadata: true, status: false, message: false, reason: false, details: true, code: false },
  requestObject: true,
  responseObject: true,
  requestReceivedTimestamp: false,
  stageTimestamp: false,
  annotations: true,
};

/** Indexes as JSONPath, jq and Splunk write them: of arrays every element is read anyway, and no key of Kubernetes has brackets. */
const INDEXES = /\[(?:\d*|\*)\]|\{\}/g;

/** Whether the field, where it is there, is an object: no text and no number. */
export function isObjectField(field: string): boolean {
  const [root = "", ...rest] = field.split(".");
  const children = Object.hasOwn(EVENT, root) ? EVENT[root] : undefined;
  if (typeof children !== "object") {
    return children === true && rest.length === 0;
  }
  const child = rest[0];
  return child === undefined || (rest.length === 1 && Object.hasOwn(children, child) && children[child] === true);
}

/** Undefined for a field that an audit event can have; else the name that was probably meant, or "". */
export function unknownField(field: string): string | undefined {
  if (rememberedField(field)) {
    return undefined;
  }
  const withoutIndexes = field.replace(INDEXES, "");
  if (withoutIndexes !== field) {
    return unknownField(withoutIndexes) ?? withoutIndexes;
  }
  const [root = "", ...rest] = field.split(".");
  const children = Object.hasOwn(EVENT, root) ? EVENT[root] : undefined;
  if (children === true || (children !== undefined && rest.length === 0)) {
    return undefined;
  }
  if (typeof children === "object") {
    const child = rest[0] ?? "";
    const below = Object.hasOwn(children, child) ? children[child] : undefined;
    if (below === true || (below === false && rest.length === 1)) {
      return undefined;
    }
  }
  const meant = OTHER_SPELLINGS.get(field);
  if (meant !== undefined) {
    return meant;
  }
  const known = Object.entries(EVENT).flatMap(([key, below]) =>
    typeof below === "object" ? [key, ...Object.keys(below).map((child) => `${key}.${child}`)] : [key],
  );
  const ours = Object.keys(REMEMBERED_FIELDS).map((name) => `${MEMORY_ROOT}.${name}`);
  return closest(field, [...known, ...ours, ...OTHER_SPELLINGS.keys()]);
}

function closest(field: string, known: readonly string[]): string {
  const lower = field.slice(0, 64).toLowerCase();
  let best = "";
  let least = 4;
  for (const candidate of known) {
    const distance = editDistance(lower, candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
