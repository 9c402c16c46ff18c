import { readFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventDocuments, EventScan } from "@auditsieve/audit";
import { Dice, mutateBytes, varyValues } from "../filter/line-mutator.suite.ts";
import { BODY_SHAPE, extract } from "./body-extract.ts";
import type { Shape } from "./body-extract.ts";
import { isTimestamp } from "../timestamp.ts";
import { ecsDocument } from "./ecs-document.ts";
import { EcsEvents } from "./ecs-event.ts";
import { hostileDeliveries } from "./hostile-deliveries.suite.ts";

const now = Date.parse("2026-11-24T00:13:27Z");
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

/** What the byte path writes, as text; undefined where it leaves the line to the other. */
function textOf(document: Buffer): string | undefined {
  const length = fast.write(deliveryOf(document));
  return length === 0 ? undefined : fast.bytes.toString("utf8", fast.start, fast.start + length);
}

/** The same, parsed. */
function written(document: Buffer): unknown {
  const [operation, text, ...rest] = textOf(document)?.split("\n") ?? [];
  if (operation === undefined) {
    return undefined;
  }
  expect(JSON.parse(operation)).toEqual({ create: { _id: deliveryOf(document).id } });
  expect(rest).toEqual([""]);
  return JSON.parse(text ?? "");
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
      const text = textOf(Buffer.from(event));
      const isRight = [`"user":{"name":"u${i % 5000}"}`, `"groups":["g${i % 3}"]`, `"ip":["10.0.0.${i % 7}"]`].every(
        (part) => text?.includes(part),
      );
      wrong.push(...(isRight ? [] : [i]));
    }
    expect(wrong).toEqual([]);
  });
});

describe("EventDocuments finds in bodies what extract finds", () => {
  const scan = new EventScan();
  const nothing = { fields: [], make: (): [string, string] => ["", ""] };

  /** Gives what is found in a body; "left to extract" where that is not said. */
  function finder(shape: Shape): (body: string) => unknown {
    const documents = new EventDocuments({
      steps: [
        { kind: "text", text: "{" },
        { kind: "body", key: "body", field: "responseObject" },
        { kind: "text", text: '"end":0}' },
      ],
      fragments: [nothing, nothing, nothing],
      shape,
    });
    return (body) => {
      const head = '{"level":"RequestResponse","stage":"Panic","requestURI":"/","verb":"get","user":{}';
      const line = Buffer.from(`${head},"requestObject":{"kind":"Other"},"responseObject":${body}}`);
      expect(scan.scan(line, 0, line.length)).toBe(true);
      const length = documents.write(scan, []);
      const text = documents.bytes.toString("utf8", documents.start, documents.start + length);
      return length === 0 ? "left to extract" : (JSON.parse(text) as { readonly body?: unknown }).body;
    };
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
    const found = finder(shape);
    const property = fc.property(shaped(shape), fc.constantFrom(undefined, 1), (body, space) => {
      const text = JSON.stringify(body, undefined, space);
      const value = found(text);
      fc.pre(value !== "left to extract");
      expect(value).toEqual(extract(JSON.parse(text) as Parameters<typeof extract>[0], shape));
    });
    fc.assert(property, { numRuns: 200 });
  });

  test.each([
    ['{"spec":{"securityContext":{"runAsUser":-17,"runAsGroup":0}}}'],
    ['{"spec":{"securityContext":{"runAsUser":999999999999999}}}'],
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
    expect({ body: finder(BODY_SHAPE)(body) }).toEqual(JSON.parse(JSON.stringify(expected)));
  });

  test.each([
    ['{"spec":{"securityContext":{"runAsUser":-0}}}'],
    ['{"spec":{"securityContext":{"runAsUser":1e3}}}'],
    ['{"spec":{"securityContext":{"runAsUser":1.0}}}'],
    ['{"spec":{"securityContext":{"runAsUser":9007199254740993}}}'],
    ['{"metadata":{"name":"a","uid":"u","name":"b"}}'],
    ['{"\\u006bind":"A"}'],
  ])("but leaves to it %s", (body) => {
    expect(finder(BODY_SHAPE)(body)).toBe("left to extract");
  });
});

test("EcsEvents quotes the line as JSON.stringify does", () => {
  const head = '{"level":"Request","stage":"Panic","requestURI":"/","verb":"get","user":{},"other":';
  fc.assert(
    fc.property(fc.json({ maxDepth: 2 }), fc.constantFrom("", "\t", "\r", " "), (json, space) => {
      const line = `${head}${space}${json}${space}}`;
      expect(written(Buffer.from(line))).toMatchObject({ event: { original: Buffer.from(line).toString() } });
    }),
    { numRuns: 60 },
  );
});

test("EcsEvents writes a time exactly where isTimestamp says that it is one", () => {
  const dice = new Dice(11);
  const times = ["2026-11-24T00:13:26.471919Z", "2024-02-29T23:59:59Z", "2100-02-28T19:09:09.123456789Z"];
  let right = 0;
  for (let i = 0; i < 3000; i++) {
    const letters = dice.of(times).split("");
    for (let changes = dice.below(3); changes > 0; changes--) {
      letters[dice.below(letters.length)] = dice.of(["", "00", ..."0123456789-:.TZ".split("")]);
    }
    const time = letters.join("");
    const line = `{"level":"Request","stage":"Panic","requestURI":"/","verb":"get","user":{},"stageTimestamp":"${time}"}`;
    expect([time, textOf(Buffer.from(line))?.includes('"stageTimestamp":"2')]).toEqual([time, isTimestamp(time)]);
    right += isTimestamp(time) ? 1 : 0;
  }
  expect(right).toBeGreaterThan(1000);
});
