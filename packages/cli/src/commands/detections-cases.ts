import { isJsonObject } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { safeText } from "@auditsieve/detect";
import { Failure } from "../failure.ts";
import { readText } from "../read-text.ts";

/** What a case may expect. */
export type CaseWords<W extends string> = readonly [W, W];

/** Events, and what is expected of the last of them. */
export interface Case<W extends string> {
  readonly line: number;
  readonly expect: W;
  readonly why: string;
  readonly events: readonly AuditEvent[];
}

/** Where the cases of a file stand. */
export function casesFileOf(file: string): string {
  return `${file.replace(/\.ya?ml$/, "")}.cases.ndjson`;
}

/** Reads cases, one a line. Throws a {@link Failure} that names the first line that is none. */
export async function readCases<W extends string>(file: string, words: CaseWords<W>): Promise<readonly Case<W>[]> {
  const lines = (await readText(file, "cases")).split("\n");
  return lines.flatMap((text, index) => (text.trim() === "" ? [] : [readCase(text, file, index + 1, words)]));
}

function readCase<W extends string>(text: string, file: string, line: number, words: CaseWords<W>): Case<W> {
  const [first, second] = words;
  const refuse = (what: string): Failure =>
    new Failure(`Cannot read the case at ${safeText(file, 500)}:${line}: ${what}`, {
      hint: `Write {"expect": "${first}" or "${second}", "why": "…", "event": {an audit event}}`,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse("it is no JSON");
  }
  if (!isJsonObject(value)) {
    throw refuse("it is not an object");
  }
  const { expect, why, event, events = event === undefined ? [] : [event] } = value;
  const known = words.find((word) => word === expect);
  if (known === undefined) {
    throw refuse(`"expect" is neither "${first}" nor "${second}"`);
  }
  const list: readonly unknown[] = Array.isArray(events) ? events : [];
  if (list.length === 0 || !list.every(isEvent)) {
    throw refuse("it holds no audit event: level, stage, verb, requestURI and user are missing");
  }
  return { line, expect: known, why: typeof why === "string" ? why : "", events: list };
}

function isEvent(value: unknown): value is AuditEvent {
  return (
    isJsonObject(value) &&
    ["level", "stage", "verb", "requestURI"].every((key) => typeof value[key] === "string") &&
    isJsonObject(value["user"])
  );
}
