import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { walkContainer } from "./json/json-break.ts";
import { salvageEvents } from "./salvage.ts";
import { EventScan } from "./scan.ts";

const LINES = readFileSync(fileURLToPath(new URL("../../../samples/small.log", import.meta.url)), "utf8")
  .split("\n")
  .filter((line) => line !== "");

/** What is salvaged of a line, or undefined where the line is an event as it stands. */
function salvaged(line: Buffer | string): readonly string[] | undefined {
  const inner = Buffer.from(line as string);
  // Bytes around the line, so that reading past it would show.
  const bytes = Buffer.concat([Buffer.from('{"kind":"Event","apiVersion":"'), inner, Buffer.from('"}}}')]);
  const scan = new EventScan();
  return scan.scan(bytes, 30, 30 + inner.length)
    ? undefined
    : salvageEvents(scan).map((each) => each.bytes.toString("utf8", each.start, each.end));
}

function event(more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    auditID: "outer",
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/shop/configmaps/é",
    verb: "patch",
    user: { username: "jané", groups: ["dev"], extra: { a: ['b\\"'] } },
    ...more,
    requestReceivedTimestamp: "2026-11-24T00:12:19.857508Z",
    stageTimestamp: "2026-11-24T00:12:19.858495Z",
  });
}

/** An event whose bodies hold objects, lists and texts that look like events, written by whoever sends a patch. */
const INNER = event({ auditID: "INVENTED" });
const HOSTILE = event({
  requestObject: JSON.parse(`[${INNER},${INNER},{"spec":${INNER},"list":[1,${INNER}]},-1.5e3,true,null]`) as unknown,
  responseObject: {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    text: `x${INNER}\n${INNER}`,
    last: [INNER, "{", '"'],
  },
});
const W1 = event({ auditID: "first" });
const W2 = event({ auditID: "second" });

describe("salvageEvents", () => {
  test.each<[string, string | Buffer, readonly string[]]>([
    ["two events", W1 + W2, [W1, W2]],
    ["three events with spaces and a carriage return", `${W1} ${W2}\r${W1}\r`, [W1, W2, W1]],
    ["an event behind NUL", `\0\0\0${W1}`, [W1]],
    ["NUL behind an event", `${W1}\0\0\0`, [W1]],
    ["an event behind a torn one and NUL", `${W2.slice(0, 300)}\0\0\0${W1}`, [W1]],
    ["an event behind a byte order mark", `\ufeff${W1}`, [W1]],
    ["logs with marks put behind each other", `\ufeff${W1}\ufeff${W2}`, [W1, W2]],
    ["a whole event before a torn one", W1 + W2.slice(0, 200), [W1]],
    ["several torn ones, some of them in their first bytes", `${W1.slice(0, 80)}{{"{"ki${W1.slice(0, 104)}${W2}`, [W2]],
    ["events that are not written like the apiserver's", '{"a":1}{"level":"Metadata"} {"stage":1}' + W1, [W1]],
    [
      "a whole event of another version between a torn one and another",
      W1.slice(0, 90) + W1.replace("k8s.io/v1", "k8s.io/v1beta1") + W2,
      [W1, W2],
    ],
    ["an event and what another program says", `${W1}I1126 starting${W2}`, [W1]],
    ["two events and the rest of a line", `${W1}${W2.slice(50)}`, [W1]],
    ["an event, NUL, and the rest of a line", `${W1}\0\0${W2.slice(50)}`, [W1]],
    ["what another program says and an event", `I1126 starting${W1}`, []],
    ["an event in the text of another program", `{"log":"x${W1}`, [W1]],
    ["nothing but NUL", "\0\0", []],
    ["nothing", "", []],
    ["one object that is no event", '{"level":"Metadata"}', []],
    ["an event with a field twice", W1.replace("{", '{"verb":"get",'), []],
    ["the rest of a line", HOSTILE.slice(HOSTILE.indexOf("INVENTED") + 20), []],
    ["the rest of a line that begins at an object in it", HOSTILE.slice(HOSTILE.indexOf(INNER)), []],
    ["NUL up to an object in a body", `\0\0${HOSTILE.slice(HOSTILE.indexOf(INNER))}`, []],
    ["NUL around an object in a body", `\0\0${INNER}\0\0`, []],
    ["NUL up to an object in a torn body, and the next line", `\0\0${INNER}${W1}`, [W1]],
    ["a body torn right behind an object in it", HOSTILE.slice(0, HOSTILE.indexOf(INNER) + INNER.length), []],
    ["a line torn where an object may stand, and an event", `${HOSTILE.slice(0, HOSTILE.indexOf(INNER))}${W1}`, []],
    ["the same and one more event", `${HOSTILE.slice(0, HOSTILE.indexOf(INNER))}${W1}${W2}`, [W2]],
    ["text torn behind a quote that is escaped", `${W1.slice(0, W1.indexOf('\\"') + 2)}${W2}`, [W2]],
  ])("salvageEvents of %s", (_what, line, expected) => {
    expect(salvaged(line)).toEqual(expected);
  });

  test("salvageEvents of a line torn at every byte and written on: the next line or nothing, never anything else", () => {
    const bytes = Buffer.from(HOSTILE);
    const wrong: number[] = [];
    let found = 0;
    for (let cut = 1; cut < bytes.length; cut++) {
      const events = salvaged(Buffer.concat([bytes.subarray(0, cut), Buffer.from(W1)])) ?? ["all"];
      found += events.length;
      if (events.length > 1 || (events[0] ?? W1) !== W1) {
        wrong.push(cut);
      }
    }
    expect(wrong).toEqual([]);
    // Not where an object could follow as well: behind colons, and behind brackets and commas of lists.
    expect(found / bytes.length).toBeGreaterThan(0.93);
  });

  test("salvageEvents of any pieces of lines: only lines that were written whole, in their order", () => {
    const all = [...LINES, HOSTILE, HOSTILE, HOSTILE];
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ line: fc.nat(all.length - 1), cut: fc.double({ min: 0, max: 1, noNaN: true }), kind: fc.nat(5) }),
          { minLength: 1, maxLength: 6 },
        ),
        (parts) => {
          const whole: string[] = [];
          const line = Buffer.concat(
            parts.map(({ line: number, cut, kind }) => {
              const bytes = Buffer.from(all[number] as string);
              if (kind < 2) {
                whole.push(all[number] as string);
                return bytes;
              }
              const at = Math.floor(cut * (bytes.length - 1));
              return kind === 2
                ? Buffer.alloc(1 + (at % 9))
                : kind === 3
                  ? bytes.fill(0, at, Math.min(bytes.length, at + 64))
                  : bytes.subarray(0, at);
            }),
          );
          let from = 0;
          for (const event of salvaged(line) ?? []) {
            const at = whole.indexOf(event, from);
            expect(at).toBeGreaterThanOrEqual(from);
            from = at + 1;
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("walkContainer", () => {
  test("walkContainer ends where JSON.parse says, and breaks off at the first byte that nothing can follow", () => {
    const text = Buffer.from(
      ` {"a":[1,-0.5e+3,true,false,null,"x\\u00e9\\n\\"",[],{},[[{}]]],"é€😀": {"b" : 12 , "c":"\\\\"} }`.trim(),
    );
    expect(walkContainer(text, 0, text.length)).toBe(text.length);
    for (let cut = 1; cut < text.length; cut++) {
      expect(walkContainer(text, 0, cut), `cut at ${cut}`).toBe(~cut);
    }
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(255), (place, byte) => {
        const changed = Buffer.from(text);
        changed[place] = byte;
        const behind = place === 0 ? ~0 : walkContainer(changed, 0, changed.length);
        let isWhole = true;
        try {
          JSON.parse(
            new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
              changed.subarray(0, behind >= 0 ? behind : undefined),
            ),
          );
        } catch {
          isWhole = false;
        }
        expect(behind >= 0).toBe(isWhole && place > 0);
        if (behind < 0 && place > 0) {
          expect(~behind).toBeGreaterThanOrEqual(place);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
