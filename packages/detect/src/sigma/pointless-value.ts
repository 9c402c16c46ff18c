import { LEVELS, STAGES } from "@auditsieve/audit";
import type { ValueTest } from "../condition/expression.ts";
import { isObjectField } from "./known-fields.ts";
import { DATE_PART_RANGES } from "./date-part.ts";
import type { DatePart } from "./date-part.ts";
import { MEANT } from "./meant-words.ts";
import type { ItemMode } from "./modifiers.ts";

interface Closed {
  readonly values: readonly (string | number)[];
  readonly hint: string;
}

/** Fields of which all values are known. Codes: a provider's may be those of gRPC, which begin at 0. */
const CLOSED: ReadonlyMap<string, Closed> = new Map<string, Closed>([
  // Nothing is written at the level None.
  ["level", named(LEVELS.filter((level) => level !== "None"))],
  ["stage", named(STAGES)],
  ["kind", named(["Event"])],
  ["apiVersion", named(["audit.k8s.io/v1", "audit.k8s.io/v1beta1", "audit.k8s.io/v1alpha1"])],
  ["annotations.authorization.k8s.io/decision", named(["allow", "forbid"])],
  [
    "responseStatus.code",
    { values: Array.from({ length: 1000 }, (_, code) => code), hint: "Codes are those of HTTP, like 403" },
  ],
]);
const ADDRESS = /^\d{1,5}(?:\.\d{1,5}){3}$/;

/** What is wrong with a sound value that no event can have, or that every event has; undefined for all others. */
export function pointlessTest(
  field: string,
  value: string | number | boolean,
  mode: ItemMode,
  test: ValueTest,
): { readonly wrong: string; readonly hint: string } | undefined {
  if (mode.datePart !== undefined) {
    return pointlessDatePart(value, mode.kind, mode.datePart);
  }
  if (mode.kind === "re" && value === "") {
    return { wrong: "every text matches an empty regular expression", hint: "Give what to look for" };
  }
  if (isObjectField(field) && !(mode.kind === "pattern" && value === "*")) {
    return {
      wrong: `${field} is no text, so no ${shown(value)} is found in it`,
      hint: "Name a field in it; or give keywords, which are looked for in the whole event",
    };
  }
  const meant = meantWord(field, String(value), mode);
  if (meant !== undefined) {
    return { wrong: `no audit event has a ${field} like ${shown(value)}`, hint: meant };
  }
  const closed = CLOSED.get(field);
  if (closed !== undefined && mode.kind !== "cidr") {
    return closed.values.some((one) => test.test(one))
      ? undefined
      : { wrong: `no audit event has a ${field} like ${shown(value)}`, hint: closed.hint };
  }
  const isWrongAddress = field === "sourceIPs" && isEqual(mode) && ADDRESS.test(String(value));
  return isWrongAddress &&
    String(value)
      .split(".")
      .some((part) => Number(part) > 255)
    ? { wrong: `${shown(value)} is no address, so no event has it`, hint: "The numbers of an address go up to 255" }
    : undefined;
}

/** What to write instead of a word that no event has in this field. */
function meantWord(field: string, value: string, mode: ItemMode): string | undefined {
  if (mode.kind !== "pattern") {
    return undefined;
  }
  if (mode.cased && (field === "objectRef.resource" || field === "verb") && /[A-Z]/.test(value)) {
    return "It is written in small letters: leave out cased, or write them small";
  }
  return isEqual(mode) ? MEANT.get(field)?.(value) : undefined;
}

function isEqual(mode: ItemMode): boolean {
  return mode.kind === "pattern" && mode.comparison === "equal";
}

const COMPARE: Partial<Record<ItemMode["kind"], (number: number, bound: number) => boolean>> = {
  lt: (number, bound) => number < bound,
  lte: (number, bound) => number <= bound,
  gt: (number, bound) => number > bound,
  gte: (number, bound) => number >= bound,
};

function pointlessDatePart(
  value: string | number | boolean,
  kind: ItemMode["kind"],
  part: DatePart,
): ReturnType<typeof pointlessTest> {
  const bound = Number(value);
  const [first, last] = DATE_PART_RANGES[part];
  const hint = `In a date it is a number from ${first} to ${last}`;
  const compare = COMPARE[kind];
  if (compare === undefined) {
    const isThere = Number.isInteger(bound) && bound >= first && bound <= last;
    return isThere ? undefined : { wrong: `no date has the ${part} ${shown(value)}`, hint };
  }
  // All comparisons grow or fall: what holds at both ends holds in between.
  const [atFirst, atLast] = [compare(first, bound), compare(last, bound)];
  return atFirst === atLast
    ? { wrong: `"${kind}" ${shown(value)} holds for ${atFirst ? "every" : "no"} ${part}`, hint }
    : undefined;
}

function named(values: readonly string[]): Closed {
  return { values, hint: `It is ${values.length === 1 ? "always" : "one of"} ${values.join(", ")}` };
}

function shown(value: string | number | boolean): string {
  return `"${String(value).slice(0, 80)}"`;
}
