import { safeText } from "@auditsieve/detect";
import { addressTest, matches } from "@auditsieve/replay";
import type { Facts, Selection } from "@auditsieve/replay";
import { say } from "../output.ts";

/** Names looked through for near ones, and their length: an attacker chooses both. */
const MOST_NAMES = 5_000;
const MOST_LETTERS = 200;
const MOST_NEAR = 6;
/** Letters that may be wrong. */
const MOST_WRONG = 2;

/**
 * Says which options alone choose nothing in these logs, and what is near: no finding because of a typing mistake looks as if nothing
 * had happened.
 */
export function sayNothingChosen(selection: Selection, facts: Facts): void {
  for (const { message, hint } of nothingChosen(selection, facts)) {
    say(`auditsieve: ${message}`);
    if (hint !== "") {
      say(`  hint: ${hint}`);
    }
  }
}

interface Nothing {
  readonly message: string;
  readonly hint: string;
}

function* nothingChosen(selection: Selection, facts: Facts): Generator<Nothing, void> {
  const { since, until, actor, resource, namespace, userAgent, sourceIPs } = selection;
  const { from, to } = facts;
  if (from !== undefined && to !== undefined && ((since ?? "") > to || (until ?? "~") <= from)) {
    const option = (since ?? "") > to ? `--since ${since}` : `--until ${until}`;
    yield { message: `${option} chooses nothing: the logs go from ${from} to ${to}`, hint: "" };
  }
  const sessions = facts.sessions.sessions();
  const touches = facts.sessions.touches();
  const people = sessions.flatMap(({ identity, impersonated }) => [identity.name, impersonated ?? ""]);
  yield* of("--actor", actor, people);
  yield* of(
    "--resource",
    resource,
    touches.flatMap((touch) => [touch.resource, touch.resource.replace(/^([^./]+)\.[^/]+/, "$1")]),
  );
  yield* of(
    "--namespace",
    namespace,
    touches.map((touch) => touch.namespace),
  );
  yield* of(
    "--user-agent",
    userAgent,
    sessions.map((session) => session.userAgent),
  );
  if (sourceIPs !== undefined) {
    const addresses = new Set(sessions.flatMap(({ sourceIP }) => sourceIP.split(/ via |, /)));
    const tests = sourceIPs.map(addressTest).filter((test) => test !== undefined);
    if (![...addresses].some((address) => tests.some((test) => test(address)))) {
      yield { message: "--source-ip chooses nothing in these logs", hint: `Requests came from ${few(addresses)}` };
    }
  }
}

function* of(option: string, pattern: string | undefined, all: Iterable<string>): Generator<Nothing, void> {
  if (pattern === undefined) {
    return;
  }
  const values = new Set(all);
  if (values.has(pattern) || [...values].some((value) => matches(value, pattern))) {
    return;
  }
  const near = nearTo(pattern, values);
  yield {
    message: `${option} "${safeText(pattern, MOST_LETTERS)}" chooses nothing in these logs`,
    hint:
      near.length > 0
        ? `There are: ${few(near)}; it is compared as a whole, with its case, and * stands for any text`
        : "It is compared as a whole, with its case; * stands for any text",
  };
}

function few(values: Iterable<string>): string {
  const shown = [...values].filter((value) => value !== "");
  const more = shown.length > MOST_NEAR ? ` and ${shown.length - MOST_NEAR} more` : "";
  return `${shown
    .slice(0, MOST_NEAR)
    .map((value) => safeText(value, MOST_LETTERS))
    .join(", ")}${more}`;
}

/** Those that hold it, whatever its case, and those that differ by a letter or two, also in their last part. */
function nearTo(pattern: string, values: ReadonlySet<string>): readonly string[] {
  const part = pattern.replaceAll("*", "").toLowerCase();
  if (part === "" || part.length > MOST_LETTERS) {
    return [];
  }
  return [...values]
    .slice(0, MOST_NAMES)
    .filter((value) => value !== "" && value.length <= MOST_LETTERS && isNear(part, value.toLowerCase()));
}

function isNear(part: string, value: string): boolean {
  return [value, lastPart(value)].some((each) => wrongLetters(part, each) <= MOST_WRONG) || value.includes(part);
}

/** `web` of `system:serviceaccount:shop:web`. */
function lastPart(text: string): string {
  return text.replace(/^.*[:/]/, "");
}

/** How many letters have to be changed, taken or added; more than {@link MOST_WRONG} is not counted on. */
function wrongLetters(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MOST_WRONG || Math.min(a.length, b.length) <= MOST_WRONG) {
    return MOST_WRONG + 1;
  }
  let before = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const row = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const kept = (before[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      row.push(Math.min(kept, (before[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1));
    }
    before = row;
  }
  return before[b.length] ?? 0;
}
