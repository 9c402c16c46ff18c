import { readFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Dice, mutateBytes, varyValues } from "../line-mutator.suite.ts";
import { BODY_SHAPE, extract } from "./body-extract.ts";
import type { Shape } from "./body-extract.ts";
import { BodyBytes } from "./body-bytes.ts";
import { ecsDocument } from "./ecs-document.ts";
import { EcsEvents } from "./ecs-event.ts";
import { hostileDeliveries } from "./hostile-deliveries.suite.ts";
import { JsonWriter } from "./json-writer.ts";

const now = new Date("2026-11-24T00:13:27Z");
const context = { cluster: 'pr"od', namespace: "default", now: () => now };
const LINES = ["attack.log.zst", "working-day.log.zst"].flatMap((name) =>
  zstdDecompressSync(readFileSync(new URL(`../../../../samples/${name}`, import.meta.url)))
    .toString("utf8")
    .trim()
    .split("\n")
    .filter((_, i) => i % 50 === 0)
    .map((line) => Buffer.from(line)),
);

const fast = new EcsEvents(context);
const out = new JsonWriter(16);

/** What the byte path writes, parsed; undefined where it leaves the line to the other. */
function written(document: Buffer): unknown {
  out.length = 0;
  return fast.write(out, deliveryOf(document)) ? JSON.parse(out.text()) : undefined;
}

function deliveryOf(document: Buffer): Parameters<typeof ecsDocument>[0] {
  return { id: "0123456789abcdef0123456789abcdef", kind: "event", time: "2026-11-24T00:13:26.471919Z", document };
}

function exact(document: Buffer): unknown {
  return JSON.parse(ecsDocument(deliveryOf(document), context));
}

/** Gives whether the byte path wrote it, which then is what the other would have made. */
function compare(document: Buffer): boolean {
  const found = written(document);
  if (found !== undefined) {
    expect(found).toEqual(exact(document));
  }
  return found !== undefined;
}

describe("EcsEvents writes what ecsDocument makes", () => {
  test("of the events of real logs, all of them", () => {
    expect(LINES.filter((line) => !compare(line))).toEqual([]);
    expect(LINES.length).toBeGreaterThan(150);
  });

  test("of hostile events", () => {
    const taken = hostileDeliveries().filter(({ document }) => compare(document));
    expect(taken.length).toBeGreaterThan(8);
  });

  test("of events with other values, and of events that are damaged, when it writes them at all", () => {
    const dice = new Dice(7);
    let taken = 0;
    for (let i = 0; i < 400; i++) {
      const line = dice.of(LINES);
      taken += compare(i % 2 === 0 ? varyValues(line, dice) : mutateBytes(line, dice)) ? 1 : 0;
    }
    expect(taken).toBeGreaterThan(200);
  });

  test.each([
    [
      "white space between all tokens",
      '{ "user" : { "username" : "u" } ,\t"requestObject" : { "kind" : "Pod" , "x" : [ 1 , { } ] } }',
    ],
    [
      "a body that is a list, a text, a number, null",
      '{"requestObject":[[{"kind":"A"}],{"kind":"B"}],"responseObject":"text"}',
    ],
    ["a number as a body", '{"requestObject":5,"responseObject":null}'],
    [
      "empty everything",
      '{"user":{"username":""},"userAgent":"","objectRef":{"name":""},"annotations":{},"sourceIPs":[]}',
    ],
    [
      "escapes in values",
      '{"user":{"username":"a\\u003cb\\"\\\\"},"userAgent":"\\ud83d\\ude00 \\ud800","requestObject":{"kind":"\\u0000"}}',
    ],
    ["a status without code", '{"responseStatus":{"status":"Failure","message":"m","code":0}}'],
    [
      "a decision to forbid",
      '{"annotations":{"authorization.k8s.io/decision":"forbid"},"responseStatus":{"code":200}}',
    ],
    ["a decision to forbid without an answer", '{"annotations":{"authorization.k8s.io/decision":"forbid"}}'],
  ])("of %s", (_what, members) => {
    const head = '{"level":"RequestResponse","stage":"ResponseComplete","requestURI":"/","verb":"get",';
    const rest = members.includes('"user"') ? members.slice(1) : `"user":{},${members.slice(1)}`;
    expect(compare(Buffer.from(head + rest))).toBe(true);
  });

  test("and leaves to it what is no event, and bodies with a key twice or in disguise", () => {
    expect(written(Buffer.from('{"a":1}'))).toBeUndefined();
    for (const body of [
      '{"kind":"A","kind":"B"}',
      '{"\\u006bind":"A"}',
      '{"metadata":{"name":"a","uid":"u","name":"b"}}',
    ]) {
      const event = `{"level":"Request","stage":"ResponseComplete","requestURI":"/","verb":"get","user":{},"requestObject":${body}}`;
      expect(written(Buffer.from(event))).toBeUndefined();
    }
  });

  test("remembers nothing wrongly though more actors come than it remembers", () => {
    const wrong: number[] = [];
    for (let i = 0; i < 9000; i++) {
      const user = `{"username":"u${i % 5000}","groups":["g${i % 3}"]}`;
      const event = `{"level":"Request","stage":"Panic","requestURI":"/","verb":"get","user":${user},"sourceIPs":["10.0.0.${i % 7}"]}`;
      out.length = 0;
      fast.write(out, deliveryOf(Buffer.from(event)));
      const isRight = [`"user":{"name":"u${i % 5000}"}`, `"groups":["g${i % 3}"]`, `"ip":["10.0.0.${i % 7}"]`].every(
        (part) => out.bytes.subarray(0, out.length).includes(part),
      );
      wrong.push(...(isRight ? [] : [i]));
    }
    expect(wrong).toEqual([]);
  });
});

describe("BodyBytes finds what extract finds", () => {
  const bodies = new BodyBytes();
  const KEY = Buffer.from('"body":');

  function found(body: string): unknown {
    const bytes = Buffer.from(body);
    out.length = 0;
    return bodies.write(out, KEY, bytes, 0, bytes.length)
      ? (JSON.parse(`{${out.text().replace(/,$/, "")}}`) as { readonly body?: unknown }).body
      : "left to extract";
  }

  const scalar = fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(-0, 1e15, 2 ** 53, 2 ** 53 - 1, -(2 ** 53), 1.5),
  );

  /** Values that have the shape more often than not, at every place. */
  function shaped(shape: Shape): fc.Arbitrary<unknown> {
    const own =
      typeof shape === "string"
        ? { keyword: fc.string(), boolean: fc.boolean(), long: fc.maxSafeInteger() }[shape]
        : fc.record(Object.fromEntries(Object.entries(shape).map(([key, inner]) => [key, shaped(inner)])), {
            requiredKeys: [],
          });
    const one = fc.oneof({ weight: 6, arbitrary: own }, { weight: 1, arbitrary: scalar });
    return fc.oneof(
      { weight: 6, arbitrary: one },
      { weight: 2, arbitrary: fc.array(one, { maxLength: 3 }) },
      { weight: 1, arbitrary: fc.array(fc.array(one, { maxLength: 2 }), { maxLength: 2 }) },
    );
  }

  test("in bodies of nearly the right shape, compact or not", () => {
    const { spec: _, ...small } = BODY_SHAPE as { readonly spec: Shape } & Readonly<Record<string, Shape>>;
    const shape: Shape = {
      ...small,
      spec: { nodeName: "keyword", securityContext: { runAsUser: "long", privileged: "boolean" } },
    };
    const narrow = new BodyBytes(shape);
    const property = fc.property(shaped(shape), fc.constantFrom(undefined, 1), (body, space) => {
      const bytes = Buffer.from(JSON.stringify(body, undefined, space));
      out.length = 0;
      expect(narrow.write(out, KEY, bytes, 0, bytes.length)).toBe(true);
      const text = out.length === 0 ? "{}" : `{${out.text().slice(0, -1)}}`;
      expect((JSON.parse(text) as { readonly body?: unknown }).body).toEqual(
        extract(JSON.parse(bytes.toString()) as Parameters<typeof extract>[0], shape),
      );
    });
    fc.assert(property, { numRuns: 200 });
  });

  test.each([
    ['{"spec":{"securityContext":{"runAsUser":-0}}}'],
    ['{"spec":{"securityContext":{"runAsUser":1e3,"runAsGroup":1.0}}}'],
    ['{"spec":{"securityContext":{"runAsUser":9007199254740993}}}'],
    ['{"spec":{"securityContext":{"runAsUser":9007199254740991}}}'],
    ['{"spec":{"hostNetwork":"true","hostPID":true,"hostIPC":null}}'],
    [`{"metadata":${"[".repeat(40)}{"name":"deep"}${"]".repeat(40)}}`],
    [`{"metadata":${"[".repeat(33)}{"name":"deep"}${"]".repeat(33)}}`],
    [`{"metadata":${"[".repeat(34)}{"name":"deep"}${"]".repeat(34)}}`],
    [`{"rules":[${'{"verbs":["get"]},'.repeat(1500)}{"verbs":["last"]}]}`],
    [`[${"[".repeat(60_000)}${"]".repeat(60_000)}]`],
    ['{"spec":{"containers":[{"image":"a"},"x",{"image":["b",["c"]]}]}}'],
    ['"}"'],
    ["{}"],
    ["[]"],
    ["17"],
  ])("in %.80s", (body) => {
    const expected = { body: extract(JSON.parse(body) as Parameters<typeof extract>[0]) };
    expect({ body: found(body) }).toEqual(JSON.parse(JSON.stringify(expected)));
  });
});

describe("JsonWriter", () => {
  test("quotes JSON as JSON.stringify does", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 2 }), fc.constantFrom("", "\t", "\r\n "), (json, space) => {
        const text = `${space}${json}`;
        out.length = 0;
        out.quoted(Buffer.from(text));
        expect(JSON.parse(out.text())).toBe(Buffer.from(text).toString());
      }),
      { numRuns: 40 },
    );
  });

  test("takes back objects and lists in which nothing stands, and grows", () => {
    const small = new JsonWriter(1);
    const outer = small.open(Buffer.from("{"));
    const inner = small.open(Buffer.from('"list":['));
    small.closeList(inner);
    const text = small.open(Buffer.from('"é":'));
    small.utf8(`"${"ü".repeat(100)}",`);
    expect(text).toBe(1);
    small.closeObject(outer);
    expect(small.text()).toBe(`{"é":"${"ü".repeat(100)}"},`);
  });
});
