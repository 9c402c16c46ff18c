import { isLevelBelow, LEVELS } from "@auditsieve/audit";
import type { JsonValue, Level } from "@auditsieve/audit";
import { readsOf } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import type { CoverageWitness } from "@auditsieve/policy";

type Expression = Detection["condition"];
type ValueTest = Extract<Expression, { readonly kind: "match" }>["tests"][number];
/** Kleene's three values; undefined is unknown. */
type Truth = boolean | undefined;

/** What a field of a request may hold: one of these values; `open`: or others that are not known. */
interface Known {
  readonly values: readonly JsonValue[];
  readonly open: boolean;
}

const UNKNOWN: Known = { values: [], open: true };
/** Groups that only users of certain names are in. */
const GROUPS_BY_NAME = /^system:(?:nodes|unauthenticated|serviceaccounts(?::.*)?)$/;
const SERVICE_ACCOUNT_OR_NODE = /^system:(?:serviceaccount:.+:.+|node:.+|anonymous)$/;
/**
 * The level at which a request like the witness could be a hit, or undefined where it can be none: the condition with all unknown but
 * who asks for what. So a noise rule for the scheduler takes nothing from a detection about the anonymous user, and a part of the
 * condition that is about patches asks for no body of a create.
 */
export function levelToHit(detection: Detection): (witness: CoverageWitness) => Level | undefined {
  if (detection.restsOn) {
    // Of a correlation: the most that one of its parts asks for, and what it reads itself of each of their events.
    const parts = detection.restsOn.map(levelToHit);
    const asked = new Set(detection.restsOn.flatMap(fieldsOf));
    const own = levelOf(fieldsOf(detection).filter((field) => !asked.has(field)));
    return (witness) => {
      const levels = new Set(parts.map((part) => part(witness)));
      const level = LEVELS.findLast((one) => levels.has(one));
      return level !== undefined && isLevelBelow(level, own) ? own : level;
    };
  }
  return (witness) => {
    const { truth, reads } = remainderOf(detection.condition, witness);
    return truth === false ? undefined : levelOf(reads);
  };
}

function fieldsOf({ needs }: Detection): readonly string[] {
  return needs.flatMap(({ fields }) => fields);
}

/** What is left of a condition: decided, or the fields that still decide it. */
interface Remainder {
  readonly truth: Truth;
  readonly reads: readonly string[];
}

function levelOf(fields: readonly string[]): Level {
  const roots = new Set(fields.map((field) => field.split(".", 1)[0]));
  return roots.has("responseObject") ? "RequestResponse" : roots.has("requestObject") ? "Request" : "Metadata";
}

function remainderOf(expression: Expression, witness: CoverageWitness): Remainder {
  switch (expression.kind) {
    case "and":
      return join(expression.of, witness, false);
    case "or":
      return join(expression.of, witness, true);
    case "not": {
      const { truth, reads } = remainderOf(expression.of, witness);
      return { truth: negate(truth), reads };
    }
    case "match": {
      const truths = expression.tests.map((test) => matches(expression.field.text, test, witness));
      return leaf(expression.every ? allOf(truths) : anyOf(truths), expression.field.text);
    }
    case "exists":
      return leaf(presence(expression.field.text, witness), expression.field.text);
    case "null":
      return leaf(negate(presence(expression.field.text, witness)), expression.field.text);
    case "fieldref":
      return leaf(undefined, expression.field.text, expression.other.text);
    case "same":
      return leaf(undefined, expression.field.text);
    case "keyword":
    default:
      return leaf(undefined, "requestObject", "responseObject");
  }
}

/** `deciding` is the truth of one part that decides the whole: false of an and, true of an or. */
function join(parts: readonly Expression[], witness: CoverageWitness, deciding: boolean): Remainder {
  const remainders = parts.map((part) => remainderOf(part, witness));
  if (remainders.some(({ truth }) => truth === deciding)) {
    return { truth: deciding, reads: [] };
  }
  const open = remainders.filter(({ truth }) => truth === undefined);
  return { truth: open.length === 0 ? !deciding : undefined, reads: open.flatMap(({ reads }) => reads) };
}

function leaf(truth: Truth, ...fields: readonly string[]): Remainder {
  return { truth, reads: truth === undefined ? fields.flatMap(readsOf) : [] };
}

function matches(field: string, test: ValueTest, witness: CoverageWitness): Truth {
  const { values, open } = knownOf(field, witness);
  if (values.some((value) => test.test(value))) {
    // Of a request that is only an example, another one may be otherwise.
    return open ? undefined : true;
  }
  if (!open) {
    return false;
  }
  if (test.literal !== undefined && field === "user.username") {
    // The anonymous user is a witness of its own.
    return test.literal !== "system:anonymous" && witness.admits(test.literal) ? undefined : false;
  }
  if (test.literal !== undefined && field === "user.groups" && GROUPS_BY_NAME.test(test.literal)) {
    return false;
  }
  return undefined;
}

function presence(field: string, witness: CoverageWitness): Truth {
  const { values, open } = knownOf(field, witness);
  return open ? undefined : values.length > 0;
}

function knownOf(field: string, { request, free }: CoverageWitness): Known {
  const name = request.user?.name;
  switch (field) {
    case "verb":
      return { values: [request.verb], open: false };
    case "objectRef.resource":
      return free.includes("resource") ? UNKNOWN : text(request.resource);
    case "objectRef.subresource":
      return text(request.subresource);
    case "objectRef.apiGroup":
      return free.includes("group") ? UNKNOWN : text(request.apiGroup);
    case "objectRef.namespace":
      return request.namespace !== "" && free.includes("namespace") ? UNKNOWN : text(request.namespace);
    case "objectRef.name":
      // A create takes its name from the body.
      return request.name === "" && request.verb !== "create" ? text("") : UNKNOWN;
    case "requestURI":
      // The query of a request for an object may say anything; a path of no object decides for itself.
      return { values: [request.path], open: request.isResourceRequest };
    case "user.username":
      return { values: name === undefined ? [] : [name], open: free.includes("user") && !isOfAKind(name) };
    case "user.groups":
      return { values: request.user?.groups ?? [], open: !isOfAKind(name) };
    default:
      return UNKNOWN;
  }
}

function text(value: string): Known {
  return { values: value === "" ? [] : [value], open: false };
}

/** Whether a name stands for all of its kind: the groups of such users are given by it. */
function isOfAKind(name: string | undefined): boolean {
  return name === undefined || SERVICE_ACCOUNT_OR_NODE.test(name);
}

function allOf(truths: readonly Truth[]): Truth {
  return truths.includes(false) ? false : truths.includes(undefined) ? undefined : true;
}

function anyOf(truths: readonly Truth[]): Truth {
  return truths.includes(true) ? true : truths.includes(undefined) ? undefined : false;
}

function negate(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}
