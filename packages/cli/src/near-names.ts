import { safeText } from "@auditsieve/detect/safe-text";

/** Names looked through for near ones, and their length: an attacker chooses both. */
const MOST_NAMES = 5_000;
const MOST_LETTERS = 200;
const MOST_NEAR = 6;
/** Letters that may be wrong. */
const MOST_WRONG = 2;

/** A few of them in a sentence, made harmless for a terminal. */
export function fewNames(values: Iterable<string>): string {
  const shown = [...values].filter((value) => value !== "");
  const more = shown.length > MOST_NEAR ? ` and ${shown.length - MOST_NEAR} more` : "";
  return `${shown
    .slice(0, MOST_NEAR)
    .map((value) => safeText(value, MOST_LETTERS))
    .join(", ")}${more}`;
}

/** Those that hold `pattern`, whatever its case, and those that differ by a letter or two, also in their last part. */
export function nearNames(pattern: string, values: ReadonlySet<string>): readonly string[] {
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
