import { isJsonObject } from "@auditsieve/audit";
import type { EventScan, JsonValue, Problem } from "@auditsieve/audit";

/**
 * What only a stream knows of a request, since the apiserver decides before there is an answer. All set fields must hold.
 *
 * In a policy file it stands under `stream`: in a rule (the rule matches only where it holds), or in the policy's
 * `stream.keep` list (an event for which one of them holds is kept whole, whatever the rules say).
 */
export interface StreamCondition {
  /** Whether the event carries an impersonatedUser. */
  readonly impersonated?: boolean;
  /** HTTP codes of the answer; `none` stands for an event without one (RequestReceived). */
  readonly responseCodes?: readonly (number | "none")[];
}

/** Whether `condition` holds for the event last scanned. */
export function conditionHolds(condition: StreamCondition, scan: EventScan): boolean {
  if (condition.impersonated !== undefined && condition.impersonated !== scan.has("impersonatedUser")) {
    return false;
  }
  return condition.responseCodes === undefined || condition.responseCodes.includes(scan.code ?? "none");
}

/** Reads a condition as it stands in a policy file; every problem names its path below `path`. */
export function readStreamCondition(value: JsonValue, path: string, problems: Problem[]): StreamCondition {
  if (!isJsonObject(value)) {
    problems.push(invalid(path, "must be a map of conditions", 'Write for example "impersonated: true"'));
    return {};
  }
  const { impersonated, responseCodes, ...others } = value;
  for (const key of Object.keys(others)) {
    problems.push(invalid(`${path}.${key}`, "is no stream condition", 'Use "impersonated" or "responseCodes"'));
  }
  if (impersonated !== undefined && typeof impersonated !== "boolean") {
    problems.push(invalid(`${path}.impersonated`, "must be true or false"));
  }
  const codes = responseCodes === undefined ? undefined : readCodes(responseCodes, `${path}.responseCodes`, problems);
  if (impersonated === undefined && responseCodes === undefined) {
    problems.push(invalid(path, "holds no condition", 'Use "impersonated" or "responseCodes"'));
  }
  return {
    ...(typeof impersonated === "boolean" ? { impersonated } : {}),
    ...(codes === undefined ? {} : { responseCodes: codes }),
  };
}

function readCodes(value: JsonValue, path: string, problems: Problem[]): readonly (number | "none")[] {
  const codes = Array.isArray(value) ? (value as readonly JsonValue[]) : [];
  if (codes.length === 0) {
    problems.push(invalid(path, "must be a list of HTTP codes that is not empty", "Write for example [none, 200]"));
  }
  return codes.filter((code, i): code is number | "none" => {
    const isCode =
      code === "none" || (typeof code === "number" && Number.isInteger(code) && code >= 100 && code <= 599);
    if (!isCode) {
      problems.push(invalid(`${path}[${i}]`, "must be an HTTP code from 100 to 599, or none"));
    }
    return isCode;
  });
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
