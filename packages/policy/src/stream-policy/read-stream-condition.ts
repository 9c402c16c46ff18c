import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue, Problem } from "@auditsieve/audit";
import { readNetwork } from "./stream-condition.ts";
import type { StreamCondition } from "./stream-condition.ts";

/** Reads a condition as it stands in a policy file; every problem names its path below `path`. */
export function readStreamCondition(value: JsonValue, path: string, problems: Problem[]): StreamCondition {
  if (!isJsonObject(value)) {
    problems.push(invalid(path, "must be a map of conditions", 'Write for example "impersonated: true"'));
    return {};
  }
  const { impersonated, impersonatedUsers, responseCodes, userAgents, sourceIPs, annotations, ...others } = value;
  for (const key of Object.keys(others)) {
    problems.push(invalid(`${path}.${key}`, "is no stream condition", `Use ${CONDITIONS}`));
  }
  if (impersonated !== undefined && typeof impersonated !== "boolean") {
    problems.push(invalid(`${path}.impersonated`, "must be true or false"));
  }
  if (Object.keys(value).length === Object.keys(others).length) {
    problems.push(invalid(path, "holds no condition", `Use ${CONDITIONS}`));
  }
  const patterns = (name: string, list: JsonValue): readonly string[] =>
    readList(list, `${path}.${name}`, problems, isText, "a text that is not empty", "Write for example [kubectl/*]");
  return {
    ...(typeof impersonated === "boolean" ? { impersonated } : {}),
    ...(impersonatedUsers === undefined ? {} : { impersonatedUsers: patterns("impersonatedUsers", impersonatedUsers) }),
    ...(responseCodes === undefined
      ? {}
      : {
          responseCodes: readList(
            responseCodes,
            `${path}.responseCodes`,
            problems,
            isCode,
            "an HTTP code from 100 to 599, or none",
            "Write for example [none, 200]",
          ),
        }),
    ...(userAgents === undefined ? {} : { userAgents: patterns("userAgents", userAgents) }),
    ...(sourceIPs === undefined
      ? {}
      : {
          sourceIPs: readList(
            sourceIPs,
            `${path}.sourceIPs`,
            problems,
            isNetwork,
            "an IP address or a network",
            "Write for example [127.0.0.1, 10.0.0.0/8]",
          ),
        }),
    ...(annotations === undefined ? {} : { annotations: readAnnotations(annotations, path, problems, patterns) }),
  };
}

const CONDITIONS = '"impersonated", "impersonatedUsers", "responseCodes", "userAgents", "sourceIPs" or "annotations"';

function readAnnotations(
  value: JsonValue,
  path: string,
  problems: Problem[],
  patterns: (name: string, list: JsonValue) => readonly string[],
): Readonly<Record<string, readonly string[]>> {
  if (!isJsonObject(value) || Object.keys(value).length === 0) {
    const hint = 'Write for example annotations: { "authorization.k8s.io/decision": [allow] }';
    problems.push(invalid(`${path}.annotations`, "must be a map of lists that is not empty", hint));
    return {};
  }
  return Object.fromEntries(Object.entries(value).map(([key, list]) => [key, patterns(`annotations.${key}`, list)]));
}

function readList<T extends JsonValue>(
  value: JsonValue,
  path: string,
  problems: Problem[],
  isEntry: (entry: JsonValue) => entry is T,
  what: string,
  hint: string,
): readonly T[] {
  const entries = Array.isArray(value) ? (value as readonly JsonValue[]) : [];
  if (entries.length === 0) {
    problems.push(invalid(path, "must be a list that is not empty", hint));
  }
  return entries.filter((entry, i): entry is T => {
    const isGood = isEntry(entry);
    if (!isGood) {
      problems.push(invalid(`${path}[${i}]`, `must be ${what}`));
    }
    return isGood;
  });
}

function isCode(entry: JsonValue): entry is number | "none" {
  return entry === "none" || (typeof entry === "number" && Number.isInteger(entry) && entry >= 100 && entry <= 599);
}

function isText(entry: JsonValue): entry is string {
  return typeof entry === "string" && entry !== "";
}

function isNetwork(entry: JsonValue): entry is string {
  return typeof entry === "string" && readNetwork(entry) !== undefined;
}

function invalid(path: string, what: string, hint?: string): Problem {
  return {
    id: "stream-condition",
    severity: "error",
    path,
    message: `Cannot load the stream policy: ${path} ${what}`,
    ...(hint === undefined ? {} : { hint }),
  };
}
