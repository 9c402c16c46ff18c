import * as fc from "fast-check";

/** None is a backslash alone: V8 13.6 takes other keys of one escaped character for it once it has met it. */
export const KEYS = ["spec", "a", "sp", "é", "__proto__", "", 'q"', "\\\\"];

interface Member {
  readonly key: string;
  readonly isEscaped: readonly boolean[];
  readonly before: string;
  readonly after: string;
  readonly of: string;
}

/** The object, its keys spelled in some way. */
function objectText(members: readonly Member[]): string {
  const spelled = ({ key, isEscaped }: Member): string =>
    Array.from(key, (letter, index) => {
      const code = `\\u${(letter.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
      return isEscaped[index] === true ? code : JSON.stringify(letter).slice(1, -1);
    }).join("");
  return `{${members.map((one) => `${one.before}"${spelled(one)}"${one.after}:${one.before}${one.of}${one.after}`).join(",")}}`;
}

/** What may stand between the parts of a value. */
export const space = fc.constantFrom("", "", "", " ", "\n\t");
/** Texts of JSON values whose keys are spelled in some way, and repeated. */
export const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: "json" },
    fc.constantFrom("1", "null", "true", '"spec"', '"{\\"spec\\":1}"', "-0.5e3", '"\\u0073pec"', "[]", "{}", '"é"'),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join(",")}]`),
    fc
      .array(
        fc.record({
          key: fc.constantFrom(...KEYS),
          isEscaped: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
          before: space,
          after: space,
          of: tie("value"),
        }),
        { maxLength: 4, depthIdentifier: "json" },
      )
      .map(objectText),
  ),
}));
