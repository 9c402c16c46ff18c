import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPySigma, startRsigma } from "../../../../test/engines/sigma-oracle/sigma-oracle.ts";
import type { SigmaAnswer, SigmaOracle } from "../../../../test/engines/sigma-oracle/sigma-oracle.ts";
import { evaluateDetection } from "../detection-engine.ts";
import { loadDetections } from "../load-detections.ts";

const HEAD = {
  title: "t",
  id: "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10",
  status: "test",
  level: "low",
  logsource: { product: "kubernetes", service: "audit" },
};

interface Question {
  readonly selection: JsonValue;
  /** Text in the event's user agent. */
  readonly text: string;
}

function eventOf(text: string): AuditEvent {
  return {
    level: "RequestResponse",
    auditID: "a",
    stage: "ResponseComplete",
    requestURI: "/",
    verb: "get",
    user: { username: "u", groups: ["dev", "ops"] },
    userAgent: text,
    responseStatus: { code: 200 },
  };
}

const ruleOf = (selection: JsonValue): string =>
  JSON.stringify({ ...HEAD, detection: { s: selection, condition: "s" } });

function ours({ selection, text }: Question): SigmaAnswer {
  const { detections, problems } = loadDetections(ruleOf(selection), "t.yml", { rawFieldsOnly: true });
  const [one] = detections;
  return one
    ? { hits: [evaluateDetection(one, eventOf(text)) === "hit"] }
    : { refused: problems.map(({ message }) => message).join("; ") };
}

const word = fc.constantFrom("get", "GET", "dev", "de", "v", "200", "curl", "curl/7 -k", "a*c", "u?l", "zz");
const option = fc.constantFrom("-k", "/k", "-exec x", "a -b /c", "well-known", "-", "a/b", "--key", "no");
const spelling = fc.constantFrom(
  "-k",
  "/k",
  "–k",
  "—k",
  "―k",
  "-exec x",
  "/exec x",
  "a /b -c",
  "well/known",
  "a/b",
  "--key",
  "/-key",
  "no",
);
const secret = fc.constantFrom("curl http", "bash -i", "abc", "/dev/tcp", "password", "grüße");
const encoding = fc.constantFrom("utf16le", "utf16be", "utf16", "wide", "");
const date = fc
  .date({ min: new Date("1990-01-01"), max: new Date("2050-01-01"), noInvalidDate: true })
  .map((one) => one.toISOString().replace("Z", "000+00:00"));

function encoded(text: string, charset: string): Buffer {
  const wide = Buffer.from(text, "utf16le");
  return charset === "" ? Buffer.from(text) : charset === "utf16be" ? wide.swap16() : wide;
}

const itemOf = (field: fc.Arbitrary<string>, value: fc.Arbitrary<JsonValue>): fc.Arbitrary<JsonValue> =>
  fc.tuple(field, value).map(([key, one]) => ({ [key]: one }));
function moreQuestions(): fc.Arbitrary<Question> {
  return fc.record({
    selection: fc.oneof(
      itemOf(fc.constantFrom("userAgent|neq", "objectRef.name|neq", "userAgent|contains|neq", "user.groups|neq"), word),
      itemOf(
        fc.constantFrom("userAgent|re", "userAgent|re|i", "userAgent|re|m", "userAgent|re|s", "userAgent|re|i|m|s"),
        fc.constantFrom(
          "^b$",
          "a.b",
          "(?i)A.b",
          "(?is)a.B",
          "x(?i:ab)",
          "(?P<n>a)+b",
          "\\Ab",
          "[^\\W\\d_]{2,}?b",
          "\\x61\\sb",
        ),
      ),
      itemOf(
        fc.constantFrom("responseStatus.code|contains", "responseStatus.code|startswith", "userAgent|endswith|cased"),
        fc.constantFrom<JsonValue>("20", 20, "2?0", true, "B"),
      ),
      itemOf(
        fc.constantFrom("responseStatus.code|gt", "responseStatus.code|lte"),
        fc.constantFrom<JsonValue>(100, 200, "200", -1.5),
      ),
      itemOf(
        fc.constantFrom("userAgent|cidr"),
        fc.constantFrom("10.0.0.0/8", "10.1.2.3/8", "10.1.2.3/32", "10.1.2.3", "fd00::/8", "::ffff:10.0.0.0/104"),
      ),
      itemOf(
        fc.constantFrom("userAgent|contains|all", "user.groups|all"),
        fc.constantFrom<JsonValue>(["b"], ["dev", "ops"], ["a", "b"]),
      ),
    ),
    text: fc.oneof(
      word,
      fc.constantFrom(
        "b",
        "B",
        "a\nb",
        "b\n",
        "A\nB",
        "xAB",
        "aab",
        "a b",
        "10.1.2.3",
        "10.1.2.4",
        "fd12::1",
        "::ffff:10.1.2.3",
      ),
    ),
  });
}

const KINDS: Readonly<Record<string, fc.Arbitrary<Question>>> = {
  "other modifiers": moreQuestions(),
  keywords: fc.record({
    selection: fc.oneof(
      fc.uniqueArray(word, { minLength: 1, maxLength: 3 }),
      fc.uniqueArray(word, { minLength: 2, maxLength: 3 }).map((all) => ({ "|all": all })),
    ),
    text: word,
  }),
  windash: fc.record({
    selection: fc
      .tuple(fc.constantFrom("|windash", "|contains|windash", "|windash|contains", "|endswith|windash"), option)
      .map(([modifiers, value]) => ({ [`userAgent${modifiers}`]: value })),
    text: fc.tuple(fc.constantFrom("", "x "), spelling).map((parts) => parts.join("")),
  }),
  encodings: fc
    .tuple(secret, secret, encoding, encoding, fc.constantFrom("base64", "base64offset"), fc.string({ maxLength: 4 }))
    .map(([wanted, there, charset, used, base, before]) => {
      const bytes = Buffer.concat([Buffer.from(base === "base64" ? "" : before), encoded(there, used)]);
      return {
        selection: { [`userAgent${charset === "" ? "" : `|${charset}`}|${base}|contains`]: wanted },
        text: `run ${bytes.toString("base64")} now`,
      };
    }),
  dates: fc
    .tuple(
      fc.oneof({ weight: 9, arbitrary: date }, fc.constantFrom("curl", "2026-13-45", "", "2026-11-24")),
      fc.constantFrom("minute", "hour", "day", "week", "month", "year"),
      fc.integer({ min: 0, max: 60 }),
      fc.boolean(),
    )
    .map(([text, part, other, isOwn]) => {
      const places: Readonly<Record<string, readonly [number, number]>> = {
        minute: [14, 16],
        hour: [11, 13],
        day: [8, 10],
        month: [5, 7],
        year: [0, 4],
      };
      const place = places[part];
      const number = isOwn && place ? Number(text.slice(...place)) : other;
      return { selection: { [`userAgent|${part}`]: Number.isNaN(number) ? other : number }, text };
    }),
};

/** What differs, and why: docs/sigma.md says the same for people. */
interface Difference {
  readonly what: string;
  readonly kind: string;
  readonly of: "rsigma" | "pySigma";
  readonly example: Question;
  readonly applies: (question: Question, own: SigmaAnswer, theirs: SigmaAnswer) => boolean;
}

const valuesOf = ({ selection }: Question): readonly string[] =>
  (Array.isArray(selection)
    ? (selection as readonly JsonValue[])
    : Object.values(selection as object)
  ).flat() as string[];
const keyOf = ({ selection }: Question): string => Object.keys(selection as object)[0] ?? "";
const isFound = (answer: SigmaAnswer): boolean => answer.hits?.[0] === true;

const DIFFERENCES: readonly Difference[] = [
  {
    kind: "keywords",
    of: "rsigma",
    what: "rsigma looks for keywords in texts alone, we also in numbers",
    example: { selection: ["200"], text: "x" },
    applies: (question, own) => isFound(own) && valuesOf(question).includes("200"),
  },
  {
    kind: "keywords",
    of: "rsigma",
    what: "rsigma wants all keywords of |all in one text, we anywhere in the event",
    example: { selection: { "|all": ["get", "dev"] }, text: "x" },
    applies: (question, own) => isFound(own) && keyOf(question) === "|all",
  },
  {
    kind: "windash",
    of: "rsigma",
    what: "rsigma gives other spellings to a dash alone, we and pySigma to a slash too",
    example: { selection: { "userAgent|windash": "/k" }, text: "-k" },
    applies: (question, own) => isFound(own) && valuesOf(question).some((value) => value.includes("/")),
  },
  {
    kind: "windash",
    of: "rsigma",
    what: "rsigma gives other spellings to every dash, we and pySigma to one in front of a word",
    example: { selection: { "userAgent|windash": "well-known" }, text: "well/known" },
    applies: (question, own) => !isFound(own) && valuesOf(question).some((value) => /-(?!\w)|\w-/.test(value)),
  },
  {
    kind: "dates",
    of: "rsigma",
    what: "a date without a time: rsigma reads none, we midnight UTC",
    example: { selection: { "userAgent|day": 24 }, text: "2026-11-24" },
    applies: ({ text }) => /^\d{4}-\d{2}-\d{2}$/.test(text),
  },
  {
    kind: "encodings",
    of: "rsigma",
    what: "the last zero byte of a wide text: padding at the very end of base64 looks like its first bits to us and to pySigma",
    example: { selection: { "userAgent|utf16le|base64offset|contains": "abc" }, text: "run fQBhAGIAYw== now" },
    applies: (question, own) => isFound(own) && /utf16|wide/.test(keyOf(question)),
  },
  {
    kind: "encodings",
    of: "pySigma",
    what: "pySigma does not know utf16le, which is another name of wide",
    example: { selection: { "userAgent|utf16le|base64|contains": "abc" }, text: "x" },
    applies: (question, _own, theirs) => theirs.refused !== undefined && keyOf(question).includes("utf16le"),
  },
  {
    kind: "other modifiers",
    of: "rsigma",
    what: "neq and an absent field: rsigma finds nothing",
    example: { selection: { "objectRef.name|neq": "x" }, text: "x" },
    applies: (question, own) => isFound(own) && keyOf(question) === "objectRef.name|neq",
  },
  ...(["rsigma", "pySigma"] as const).map((of): Difference => ({
    kind: "other modifiers",
    of,
    what: "an IPv4 address as IPv6 is one of IPv4 to us alone",
    example: { selection: { "userAgent|cidr": "10.0.0.0/8" }, text: "::ffff:10.1.2.3" },
    applies: (question) =>
      keyOf(question) === "userAgent|cidr" && [question.text, ...valuesOf(question)].join().includes("::ffff:"),
  })),
  {
    kind: "other modifiers",
    of: "pySigma",
    what: "numbers as texts and texts as numbers: pySigma refuses them",
    example: { selection: { "responseStatus.code|startswith": 20 }, text: "x" },
    applies: (question, own, theirs) =>
      own.refused === undefined && theirs.refused?.includes("incompatible to value type") === true,
  },
  {
    kind: "other modifiers",
    of: "pySigma",
    what: "pySigma refuses a network with bits behind its prefix, and takes an address for one",
    example: { selection: { "userAgent|cidr": "10.1.2.3/8" }, text: "x" },
    applies: (question) =>
      keyOf(question) === "userAgent|cidr" && /^10\.1\.2\.3(?:\/8)?$/.test(String(valuesOf(question)[0])),
  },
  {
    kind: "other modifiers",
    of: "pySigma",
    what: "pySigma takes all with one value",
    example: { selection: { "userAgent|contains|all": ["b"] }, text: "b" },
    applies: (question, own) => own.refused !== undefined && keyOf(question).endsWith("|all"),
  },
  {
    kind: "other modifiers",
    of: "pySigma",
    what: "$ matches before a line break at the very end, too, in Python",
    example: { selection: { "userAgent|re": "^b$" }, text: "b\n" },
    applies: (question) => keyOf(question).startsWith("userAgent|re") && question.text.endsWith("\n"),
  },
  {
    kind: "encodings",
    of: "pySigma",
    what: "pySigma widens ASCII alone",
    example: { selection: { "userAgent|wide|base64|contains": "grüße" }, text: "x" },
    applies: (question, _own, theirs) =>
      theirs.refused !== undefined && /utf16|wide/.test(keyOf(question)) && valuesOf(question).includes("grüße"),
  },
];

describe.each(["rsigma", "pySigma"] as const)("Values as %s understands them", (name) => {
  let oracle: SigmaOracle;
  beforeAll(async () => {
    oracle = await (name === "rsigma" ? startRsigma() : startPySigma());
  });
  afterAll(() => oracle?.stop());

  const ask = async ({ selection, text }: Question): Promise<SigmaAnswer> =>
    oracle.ask({ rule: ruleOf(selection), events: [eventOf(text)] });
  const isSame = (own: SigmaAnswer, theirs: SigmaAnswer): boolean =>
    own.refused === undefined && theirs.refused === undefined
      ? own.hits?.[0] === theirs.hits?.[0]
      : (own.refused === undefined) === (theirs.refused === undefined);

  it.each(Object.keys(KINDS))("%s are what we do, but for what docs/sigma.md explains", async (kind) => {
    let [compared, hits] = [0, 0];
    await fc.assert(
      fc.asyncProperty(KINDS[kind] ?? fc.constant({ selection: "", text: "" }), async (question) => {
        const theirs = await ask(question);
        if (theirs.unsupported !== undefined) {
          return;
        }
        const own = ours(question);
        compared++;
        hits += own.hits?.[0] === true ? 1 : 0;
        if (!isSame(own, theirs)) {
          const known = DIFFERENCES.find(
            (one) => one.of === name && one.kind === kind && one.applies(question, own, theirs),
          );
          expect(known?.what, JSON.stringify({ question, own, theirs })).toBeDefined();
        }
      }),
      { numRuns: 1500 },
    );
    expect(compared).toBeGreaterThan(1000);
    expect(hits).toBeGreaterThan(10);
  });

  it.each(DIFFERENCES.filter(({ of }) => of === name))("differ still: $what", async ({ example }) => {
    const theirs = await ask(example);
    expect(theirs.unsupported).toBeUndefined();
    expect(isSame(ours(example), theirs)).toBe(false);
  });
});

it("yes and 010 are what YAML 1.2 says, and to pySigma what 1.1 does", async () => {
  const [head] = ruleOf("x").split('"detection"');
  const rule = `${head ?? ""}"detection": { "s": { "userAgent": [yes, 010] }, "condition": "s" } }`;
  const texts = ["yes", "true", "10", "8"];
  const [own] = loadDetections(rule, "t.yml", { rawFieldsOnly: true }).detections;
  const oracle = await startPySigma();
  const theirs = await oracle.ask({ rule, events: texts.map(eventOf) });
  oracle.stop();
  expect(texts.map((text) => own && evaluateDetection(own, eventOf(text)) === "hit")).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(theirs.hits).toEqual([false, true, false, true]);
});
