import { attributesOfEvent } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { evaluate } from "@auditsieve/policy";
import type { StreamCondition, StreamRules } from "@auditsieve/policy";

/** What becomes of a line, found with JSON.parse and the policy's evaluator alone. */
export type Fate = "invalid" | "drop" | "keep";

/** The reference of the filter's tests: nothing in it is shared with the scanner, the memo or the templates. */
export function fateOf(line: Buffer, { policy, keep, conditions }: StreamRules): Fate {
  const event = parseEvent(line);
  if (event === undefined) {
    return "invalid";
  }
  const holds = (condition: StreamCondition | undefined): boolean =>
    condition === undefined || conditionHoldsFor(condition, event);
  if (keep.some(holds)) {
    return "keep";
  }
  const rules = policy.rules.filter((_, i) => holds(conditions[i]));
  const decision = evaluate({ ...policy, rules }, attributesOfEvent(event));
  return decision.level === "None" || decision.omitStages.includes(event.stage) ? "drop" : "keep";
}

function conditionHoldsFor(condition: StreamCondition, event: AuditEvent): boolean {
  const { impersonated, impersonatedUsers, responseCodes, userAgents, sourceIPs, annotations } = condition;
  const isImpersonated = event.impersonatedUser !== undefined && event.impersonatedUser !== null;
  const meets = (text: unknown, patterns: readonly string[] | undefined): boolean =>
    patterns === undefined || (typeof text === "string" && patterns.some((each) => globOf(each).test(text)));
  return (
    (impersonated === undefined || impersonated === isImpersonated) &&
    (responseCodes === undefined || responseCodes.includes(event.responseStatus?.code ?? "none")) &&
    meets(event.impersonatedUser?.username, impersonatedUsers) &&
    meets(event.userAgent, userAgents) &&
    // The policies of the tests name single addresses only.
    (sourceIPs === undefined || sourceIPs.includes(event.sourceIPs?.at(-1) ?? "")) &&
    Object.entries(annotations ?? {}).every(([key, patterns]) => meets(event.annotations?.[key], patterns))
  );
}

function globOf(pattern: string): RegExp {
  const text = pattern.replace(/\*$/, "").replaceAll(/[^\w]/g, "\\$&");
  return new RegExp(`^${text}${pattern.endsWith("*") ? "" : "$"}`);
}

type Json = Readonly<Record<string, unknown>>;

const STRINGS = "auditID stage requestURI verb userAgent requestReceivedTimestamp stageTimestamp".split(" ");
const OBJECTS = "user impersonatedUser objectRef responseStatus annotations".split(" ");
const REFERENCE = "resource namespace name uid apiGroup apiVersion resourceVersion subresource".split(" ");
/** Path of the event itself; no key of it is called so. */
const EVENT = "(event)";
const KNOWN = new Map([
  [EVENT, [...STRINGS, ...OBJECTS, ..."kind apiVersion level sourceIPs requestObject responseObject".split(" ")]],
  ["user", ["username", "uid", "groups", "extra"]],
  ["impersonatedUser", ["username", "uid", "groups", "extra"]],
  ["objectRef", REFERENCE],
  ["responseStatus", ["code"]],
]);

/** The event of a decidable line, undefined for every other line. */
function parseEvent(line: Buffer): AuditEvent | undefined {
  let text: string;
  let event: Json;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line);
    event = JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
  const isEvent =
    isObject(event) &&
    (event["kind"] ?? "Event") === "Event" &&
    (event["apiVersion"] ?? "audit.k8s.io/v1") === "audit.k8s.io/v1" &&
    ["None", "Metadata", "Request", "RequestResponse"].includes(event["level"] as string) &&
    ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"].includes(event["stage"] as string) &&
    typeof event["requestURI"] === "string" &&
    typeof event["verb"] === "string" &&
    isObject(event["user"]) &&
    STRINGS.every((key) => isAbsentOr("string", event[key])) &&
    OBJECTS.every((key) => (event[key] ?? undefined) === undefined || isObject(event[key])) &&
    isStringList(event["sourceIPs"]) &&
    ["user", "impersonatedUser"].every((key) => isUser(below(event, key))) &&
    REFERENCE.every((key) => isAbsentOr("string", below(event, "objectRef")[key])) &&
    isCode(text, below(event, "responseStatus")["code"]);
  if (!isEvent || repeatsKnownKey(text)) {
    return undefined;
  }
  // null is as good as absent.
  const part = (key: string): Json | undefined => (isObject(event[key]) ? withoutNull(event[key]) : undefined);
  return {
    ...withoutNull(event),
    user: part("user"),
    impersonatedUser: part("impersonatedUser"),
    responseStatus: part("responseStatus"),
    annotations: part("annotations"),
  } as unknown as AuditEvent;
}

function withoutNull(value: Json): Json {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null));
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function below(event: Json, key: string): Json {
  return isObject(event[key]) ? event[key] : {};
}

function isAbsentOr(type: "string", value: unknown): boolean {
  return value === undefined || value === null || typeof value === type;
}

function isStringList(value: unknown): boolean {
  return (
    value === undefined || value === null || (Array.isArray(value) && value.every((each) => typeof each === "string"))
  );
}

function isUser(user: Json): boolean {
  return (
    isAbsentOr("string", user["username"]) &&
    isAbsentOr("string", user["uid"]) &&
    isStringList(user["groups"]) &&
    (user["extra"] === undefined || user["extra"] === null || isObject(user["extra"]))
  );
}

/** One to five digits, as they are written. */
function isCode(text: string, code: unknown): boolean {
  if (code === undefined || code === null) {
    return true;
  }
  if (typeof code !== "number" || !Number.isInteger(code) || code < 0 || code > 99_999) {
    return false;
  }
  // 2e2 and 200.0 are the same number, and no code.
  return codeTokens(text).every((token) => /^\d{1,5}$/.test(token));
}

/** How the answer's code is written; deeper members called code are left out by the walk. */
function codeTokens(text: string): string[] {
  const found: string[] = [];
  walkMembers(text, (path, key, value) => {
    if (path === "responseStatus" && key === "code") {
      found.push(value);
    }
    return true;
  });
  return found;
}

function repeatsKnownKey(text: string): boolean {
  const seen = new Set<string>();
  let isRepeated = false;
  walkMembers(text, (path, key) => {
    if (KNOWN.get(path)?.includes(key) === true) {
      isRepeated ||= seen.has(`${path}.${key}`);
      seen.add(`${path}.${key}`);
    }
    return !isRepeated;
  });
  return isRepeated;
}

/** Visits the members of the event and of the objects right below it, in text that is known to be JSON. */
function walkMembers(text: string, visit: (path: string, key: string, value: string) => boolean): void {
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs;
  const stack: { readonly path: string | undefined; readonly isObject: boolean; key: string; isKeyNext: boolean }[] =
    [];
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [each] = match;
    const top = stack.at(-1);
    if (each === "{" || each === "[") {
      const path = top === undefined ? EVENT : top.path === EVENT && top.isObject ? top.key : undefined;
      stack.push({ path: each === "{" ? path : undefined, isObject: each === "{", key: "", isKeyNext: each === "{" });
    } else if (each === "}" || each === "]") {
      stack.pop();
    } else if (each === ",") {
      (top as { isKeyNext: boolean }).isKeyNext = top?.isObject ?? false;
    } else if (top?.isKeyNext === true) {
      top.isKeyNext = false;
      if (top.path !== undefined) {
        top.key = JSON.parse(each) as string;
        const value = /^\s*:\s*([^\s,{}[\]"]*)/.exec(text.slice(token.lastIndex, token.lastIndex + 600))?.[1] ?? "";
        if (!visit(top.path, top.key, value)) {
          return;
        }
      }
    }
  }
}
