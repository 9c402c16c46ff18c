import { isJsonObject, LEVELS, STAGES } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { safeText } from "@auditsieve/detect";
import { Failure } from "../failure.ts";
import { say } from "../output.ts";
import { readText } from "../read-text.ts";
import { counted } from "../table.ts";

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

const MOST_NAMED = 20;
/** What each event of a case has to have; a stage that is none would be a miss for the wrong reason. */
const FIELDS: Readonly<Record<string, { readonly is: (value: unknown) => boolean; readonly what: string }>> = {
  level: { is: (value) => (LEVELS as readonly unknown[]).includes(value), what: `one of ${LEVELS.join(", ")}` },
  stage: { is: (value) => (STAGES as readonly unknown[]).includes(value), what: `one of ${STAGES.join(", ")}` },
  verb: { is: isText, what: "a text" },
  requestURI: { is: isText, what: "a text" },
  user: { is: isJsonObject, what: "an object" },
};

/** Reads cases, one a line. Says of each line that is none why; throws a {@link Failure} if there is one. */
export async function readCases<W extends string>(file: string, words: CaseWords<W>): Promise<readonly Case<W>[]> {
  const problems: string[] = [];
  const cases: Case<W>[] = [];
  for (const [index, text] of (await readText(file, "cases")).split("\n").entries()) {
    if (text.trim() !== "") {
      const read = readCase(text, index + 1, words);
      if ("problems" in read) {
        problems.push(...read.problems.map((what) => `${safeText(file, 500)}:${index + 1}: ${what}`));
      } else {
        cases.push(read);
      }
    }
  }
  const named = problems.slice(0, MOST_NAMED).map((problem) => `Cannot read the case at ${problem}`);
  const left = problems.length - named.length;
  const last = left > 0 ? `Cannot read the cases: ${counted(left, "more problem")}` : named.pop();
  if (last !== undefined) {
    named.forEach((problem) => say(`auditsieve: ${problem}`));
    const [first, second] = words;
    throw new Failure(last, {
      hint: `Write {"expect": "${first}" or "${second}", "why": "…", "event": {an audit event}}`,
    });
  }
  return cases;
}

function readCase<W extends string>(
  text: string,
  line: number,
  words: CaseWords<W>,
): Case<W> | { readonly problems: readonly string[] } {
  const [first, second] = words;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problems: ["it is no JSON"] };
  }
  if (!isJsonObject(value)) {
    return { problems: ["it is not an object"] };
  }
  const { expect, why, event, events = event === undefined ? [] : [event] } = value;
  const known = words.find((word) => word === expect);
  const list: readonly unknown[] = Array.isArray(events) ? events : [];
  const at = (index: number): string => (event === undefined ? `events[${index}]` : "event");
  const problems = [
    ...(known === undefined ? [`"expect" is neither "${first}" nor "${second}"`] : []),
    ...(list.length === 0 ? ["it holds no audit event"] : []),
    ...list.flatMap((each, index) => problemsOf(each, at(index))),
  ];
  if (known === undefined || problems.length > 0) {
    return { problems };
  }
  return { line, expect: known, why: typeof why === "string" ? why : "", events: list.filter(isEvent) };
}

function problemsOf(value: unknown, at: string): readonly string[] {
  if (!isJsonObject(value)) {
    return [`${at} is not an object`];
  }
  return Object.entries(FIELDS).flatMap(([key, { is, what }]) => {
    const missing = value[key] === undefined ? "is missing: it must be" : "is not";
    return is(value[key]) ? [] : [`${at}.${key} ${missing} ${what}`];
  });
}

function isEvent(value: unknown): value is AuditEvent {
  return problemsOf(value, "").length === 0;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
