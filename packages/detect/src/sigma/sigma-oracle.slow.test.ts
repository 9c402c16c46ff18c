import type { JsonValue } from "@auditsieve/audit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPySigma, startRsigma } from "../../../../test/engines/sigma-oracle/sigma-oracle.ts";
import type { SigmaAnswer, SigmaOracle, SigmaQuestion } from "../../../../test/engines/sigma-oracle/sigma-oracle.ts";
import { evaluateDetection } from "../detection-engine.ts";
import type { AuditEvent } from "@auditsieve/audit";
import { loadDetections } from "../load-detections.ts";

/** A question whose answers differ, and why: docs/sigma.md says the same for people. */
interface Difference {
  readonly what: string;
  readonly of: "rsigma" | "pySigma";
  /** A selection that shows it on {@link WITNESS}. */
  readonly example: Readonly<Record<string, JsonValue>>;
  readonly applies: (question: Generated, ours: SigmaAnswer, theirs: SigmaAnswer) => boolean;
}

interface Generated {
  readonly detection: Readonly<Record<string, JsonValue>>;
  readonly events: readonly AuditEvent[];
}

const TEXTS = [
  "get",
  "GET",
  "pods",
  "a*b",
  "a\\*b",
  "x?",
  "",
  "true",
  "403",
  "10.1.2.3",
  "ops-carol",
  "p",
  "ods",
  "*",
] as const;
const text = fc.constantFrom(...TEXTS);
const scalar: fc.Arbitrary<JsonValue> = fc.oneof(text, fc.constantFrom(403, 0, 7, true, false, null));
const field = fc.constantFrom(
  "verb",
  "userAgent",
  "objectRef.resource",
  "objectRef.name",
  "responseStatus.code",
  "user.groups",
);
const modifier = fc.constantFrom(
  "",
  "|contains",
  "|startswith",
  "|endswith",
  "|cased",
  "|contains|all",
  "|re",
  "|cidr",
  "|exists",
  "|gte",
  "|lt",
  "|fieldref",
);

const item: fc.Arbitrary<readonly [string, JsonValue]> = fc.tuple(field, modifier).chain(([name, with_]) => {
  const key = `${name}${with_}`;
  switch (with_) {
    case "|re":
      return fc.constantFrom("^ge", "o.s", "[0-9]+", "a|b", "carol$").map((value) => [key, value] as const);
    case "|cidr":
      return fc.constantFrom("10.0.0.0/8", "192.168.0.0/16", "::/0").map((value) => [key, value] as const);
    case "|exists":
      return fc.boolean().map((value) => [key, value] as const);
    case "|gte":
    case "|lt":
      return fc.constantFrom(0, 100, 403, 500).map((value) => [key, value] as const);
    case "|fieldref":
      return field.map((value) => [key, value] as const);
    case "|contains|all":
      return fc.uniqueArray(text, { minLength: 2, maxLength: 3 }).map((value) => [key, value] as const);
    case "":
      return fc
        .oneof(scalar, fc.constant(null), fc.uniqueArray(scalar, { minLength: 1, maxLength: 3 }))
        .map((value) => [key, value] as const);
    case "|contains":
    case "|startswith":
    case "|endswith":
    case "|cased":
    default:
      return fc.oneof(text, fc.uniqueArray(text, { minLength: 1, maxLength: 3 })).map((value) => [key, value] as const);
  }
});
const map = fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => Object.fromEntries(items));
const selection: fc.Arbitrary<JsonValue> = fc.oneof(map, fc.array(map, { minLength: 1, maxLength: 2 }));
const condition = fc.constantFrom(
  "sel_a",
  "not sel_a",
  "sel_a and sel_b",
  "sel_a or sel_b and other",
  "not sel_a or not (sel_b and other)",
  "1 of sel_*",
  "all of sel_*",
  "1 of them",
  "all of them",
  "sel_a and not 1 of sel_b*",
);
const value: fc.Arbitrary<string> = fc.constantFrom(
  "get",
  "Get",
  "pods",
  "aXb",
  "a*b",
  "x1",
  "10.1.2.3",
  "192.168.7.9",
  "ops-carol",
  "true",
  "403",
  "",
);
const event: fc.Arbitrary<AuditEvent> = fc
  .record({
    verb: value,
    userAgent: fc.option(value, { nil: undefined }),
    resource: fc.option(value, { nil: undefined }),
    name: fc.option(value, { nil: undefined }),
    code: fc.option(fc.constantFrom(200, 403, 7, 0), { nil: undefined }),
    groups: fc.array(value, { minLength: 1, maxLength: 2 }),
  })
  .map(({ verb, userAgent, resource, name, code, groups }) => ({
    level: "RequestResponse",
    auditID: "a",
    stage: "ResponseComplete",
    requestURI: "/",
    verb,
    user: { username: "u", groups },
    ...(userAgent !== undefined && { userAgent }),
    objectRef: { ...(resource !== undefined && { resource }), ...(name !== undefined && { name }) },
    responseStatus: code === undefined ? {} : { code },
  }));
const generated: fc.Arbitrary<Generated> = fc.record({
  detection: fc.record({ sel_a: selection, sel_b: selection, other: selection, condition }),
  events: fc.array(event, { minLength: 4, maxLength: 4 }),
});

const HEAD = {
  title: "t",
  id: "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10",
  status: "test",
  level: "low",
  logsource: { product: "kubernetes", service: "audit" },
};

function questionOf({ detection, events }: Generated): SigmaQuestion {
  return { rule: JSON.stringify({ ...HEAD, detection }), events };
}

function ours({ detection, events }: Generated): SigmaAnswer {
  const { detections, problems } = loadDetections(JSON.stringify({ ...HEAD, detection }), "t.yml", {
    rawFieldsOnly: true,
  });
  const [one] = detections;
  return one
    ? { hits: events.map((each) => evaluateDetection(one, each) === "hit") }
    : { refused: problems.map(({ message }) => message).join("; ") };
}

/** Every item of a detection: its key and its values. */
function itemsOf({ detection }: Generated): readonly { readonly key: string; readonly values: readonly JsonValue[] }[] {
  const { condition: _condition, ...selections } = detection;
  return Object.values(selections)
    .flatMap((one) => (Array.isArray(one) ? (one as readonly JsonValue[]) : [one]))
    .flatMap((one) => Object.entries(one as Readonly<Record<string, JsonValue>>))
    .map(([key, given]) => ({ key, values: Array.isArray(given) ? (given as readonly JsonValue[]) : [given] }));
}

const WITNESS: AuditEvent = {
  level: "RequestResponse",
  auditID: "a",
  stage: "ResponseComplete",
  requestURI: "/",
  verb: "aXb",
  user: { username: "u", groups: ["aXb", "b"] },
};

const some = (question: Generated, test: (key: string, values: readonly JsonValue[]) => boolean): boolean =>
  itemsOf(question).some(({ key, values }) => test(key, values));

const isPartial = (key: string): boolean => /\|(?:contains|startswith|endswith)/.test(key);

const DIFFERENCES: readonly Difference[] = (["rsigma", "pySigma"] as const)
  .flatMap((of): readonly Difference[] => [
    {
      of,
      example: { "verb|contains": "" },
      what: "an empty text to contain, begin or end with matches everything: we refuse it",
      applies: (question, own) =>
        own.refused !== undefined && some(question, (key, values) => isPartial(key) && values.includes("")),
    },
  ])
  .concat(
    {
      of: "rsigma",
      example: { "verb|startswith": "X?" },
      what: "a question mark in a value of startswith or endswith: rsigma finds it anywhere",
      applies: (question, own, theirs) =>
        own.hits !== undefined &&
        theirs.hits !== undefined &&
        some(question, (key, values) => /\|(?:startswith|endswith)/.test(key) && values.includes("x?")),
    },
    {
      of: "rsigma",
      example: { "verb|fieldref": "user.groups" },
      what: "fieldref on an array: rsigma compares the array itself, we its elements",
      applies: (question) =>
        some(
          question,
          (key, values) =>
            key.endsWith("|fieldref") && (key.startsWith("user.groups") || values.includes("user.groups")),
        ),
    },
    {
      of: "rsigma",
      example: { userAgent: [null, "get"] },
      what: "null in a list: rsigma does not find an absent field by it",
      applies: (question) => some(question, (_key, values) => values.length > 1 && values.includes(null)),
    },
  );

describe.each(["rsigma", "pySigma"] as const)("Sigma as %s understands it", (name) => {
  let oracle: SigmaOracle;
  beforeAll(async () => {
    oracle = await (name === "rsigma" ? startRsigma() : startPySigma());
  }, 600_000);
  afterAll(() => oracle?.stop());

  it("is what we do, but for what docs/sigma.md explains", async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(generated, async (question) => {
        const theirs = await oracle.ask(questionOf(question));
        const own = ours(question);
        if (theirs.unsupported !== undefined) {
          return;
        }
        const isSame =
          own.refused === undefined && theirs.refused === undefined
            ? JSON.stringify(own.hits) === JSON.stringify(theirs.hits)
            : (own.refused === undefined) === (theirs.refused === undefined);
        compared++;
        if (!isSame) {
          const known = DIFFERENCES.find((one) => one.of === name && one.applies(question, own, theirs));
          expect(
            known?.what,
            JSON.stringify({ rule: question.detection, events: question.events, own, theirs }),
          ).toBeDefined();
        }
      }),
      { numRuns: 2000 },
    );
    expect(compared).toBeGreaterThan(1000);
  });

  it.each(DIFFERENCES.filter(({ of }) => of === name))("differs still: $what", async ({ example }) => {
    const question: Generated = { detection: { sel_a: example, condition: "sel_a" }, events: [WITNESS] };
    const theirs = await oracle.ask(questionOf(question));
    expect(theirs.unsupported).toBeUndefined();
    expect(JSON.stringify(theirs.hits)).not.toBe(JSON.stringify(ours(question).hits));
  });
});
