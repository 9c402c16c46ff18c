import { describe, expect, test } from "vitest";
import type { Field } from "../scan-fields.ts";
import { EventScan } from "../scan.ts";
import { hashOfObject } from "../object-hash.ts";
import { LineTemplates } from "./line-templates.ts";
import type { Standing, Taken } from "./line-templates.ts";

/** Many more than would be compared one after the other. */
const HEADS = 150;

interface Head {
  readonly query?: string;
  readonly name?: string;
  readonly credential?: string;
  readonly gap?: string;
}

function line({ query = "", name = "web", credential = "JTI=1", gap = "" }: Head): string {
  const text =
    `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"1b9ee3e5-8982-4b58-a2cd-0384840d7e4f",` +
    `"stage":"ResponseComplete","requestURI":"/apis/apps/v1/namespaces/shop/deployments${query}","verb":"create",` +
    `"user":{"username":"system:serviceaccount:ci:ci-bot","uid":"6e681fa2-6b6e-46fc-bd46-dc956496f183",` +
    `"groups":["system:serviceaccounts"],"extra":{"authentication.kubernetes.io/credential-id":["${credential}"]}},` +
    `"sourceIPs":["127.0.0.1"],"userAgent":"kubectl","objectRef":{"resource":"deployments","namespace":"shop",` +
    `"name":"${name}","apiGroup":"apps","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":201},` +
    `"requestReceivedTimestamp":"2026-11-24T00:19:02.482341Z","stageTimestamp":"2026-11-24T00:19:02.482341Z"}\n`;
  return gap === "" ? text : text.replaceAll('":', `":${gap}`).replaceAll(/,(?=["{[])/g, `,${gap}`);
}

describe("LineTemplates", () => {
  const decided: readonly Field[] = ["level", "stage", "requestURI", "verb", "user", "objectRef.name"];

  /** Learns each line that is not taken, over and over; gives how many were taken each time. */
  function taken(heads: readonly Head[], rounds: number, fields = decided): readonly number[] {
    const templates = new LineTemplates<object>(() => {});
    const scan = new EventScan();
    const bytes = Buffer.from(heads.map((head) => line(head)).join(""));
    const value = {};
    const counts: number[] = [];
    let areEvents = true;
    for (let round = 0; round < rounds; round++) {
      let count = 0;
      templates.load(bytes, 0, bytes.length);
      for (let at = 0; at < bytes.length;) {
        at = templates.take();
        count += templates.lines;
        if (at < bytes.length) {
          const end = bytes.indexOf(10, at);
          areEvents &&= scan.scan(bytes, at, end);
          const uriEnd = scan.valueStart("requestURI") + 1 + "/apis/apps/v1/namespaces/shop/deployments".length;
          templates.learn(scan, value, { isKept: true }, { fields, uriEnd, name: undefined });
          templates.goOn(end + 1);
          at = end + 1;
        }
      }
      counts.push(count);
    }
    expect(areEvents).toBe(true);
    return counts;
  }

  const letters = (number: number): string =>
    number.toString().replaceAll(/\d/g, (digit) => "abcdefghij"[Number(digit)] as string);

  test.each([
    ["queries", (i: number): Head => ({ query: `?fieldSelector=metadata.name%3D${letters(i)}\\u0026limit=500` })],
    ["names of created objects", (i: number): Head => ({ name: `config-${i}` })],
    ["names, with a space behind each colon and comma", (i: number): Head => ({ name: `config-${i}`, gap: " " })],
  ])("LineTemplates finds each of many heads that differ only in their %s", (_, head) => {
    const heads = Array.from({ length: HEADS }, (_each, i) => head(i));
    expect(taken(heads, 3)).toEqual([0, HEADS, HEADS]);
  });

  test("LineTemplates finds the heads of some fifty credentials of one identity", () => {
    const heads = Array.from({ length: 50 }, (_, i) => ({ credential: `JTI=${letters(i)}` }));
    expect(taken(heads, 3)).toEqual([0, 50, 50]);
  });

  test("LineTemplates takes lines with other digits in a query, however many, and with another name that decides nothing", () => {
    const heads = ["7", "77", "123456789", "0"].map((seconds, i) => ({
      query: `?resourceVersion=${seconds}\\u0026timeoutSeconds=5${seconds}`,
      name: `config-${i}`,
    }));
    const unnamed = decided.filter((field) => field !== "objectRef.name");
    expect(taken(heads, 1, unnamed)).toEqual([3]);
    expect(taken(heads, 2)).toEqual([0, 4]);
  });

  test("LineTemplates takes lines by their own templates in whatever order they come, and none by one that was dropped", () => {
    const counted = new Map<object, number>();
    const templates = new LineTemplates<object>((value, lines) =>
      counted.set(value, (counted.get(value) ?? 0) + lines),
    );
    const scan = new EventScan();
    const values = ["a", "b", "c", "d"].map((name) => ({ name }));
    const lengthOfLine = line({ name: "a" }).length;
    const standings = values.map(() => ({ stands: true, form: "first" }));
    const learn = (at: number, value: object, taken: Omit<Taken<Standing>, "isKept">): void => {
      expect(scan.scan(bytes, at, at + lengthOfLine - 1)).toBe(true);
      const by = { fields: decided, uriEnd: scan.valueEnd("requestURI"), name: undefined };
      templates.learn(scan, value, { isKept: false, ...taken }, by);
    };
    // Each of the four behind each of them, itself too.
    const order = "aabacadbbcbdccdda";
    const bytes = Buffer.from(Array.from(`abcd${order}`, (name) => line({ name })).join(""));
    templates.load(bytes, 0, bytes.length);
    for (const [i, value] of values.entries()) {
      templates.goOn(i * lengthOfLine);
      expect(templates.take()).toBe(i * lengthOfLine);
      learn(i * lengthOfLine, value, { standing: standings[i] });
    }
    templates.goOn(4 * lengthOfLine);
    expect([templates.take(), templates.lines]).toEqual([bytes.length, order.length]);
    templates.drain();
    expect(values.map((value) => counted.get(value))).toEqual([5, 4, 4, 4]);
    // An a follows the last d; its entry is dropped, because its answer has ended and the next one is of another form.
    (standings[0] as { stands: boolean }).stands = false;
    templates.sync();
    const lastD = bytes.length - 2 * lengthOfLine;
    templates.goOn(lastD);
    expect([templates.take(), templates.lines]).toEqual([bytes.length - lengthOfLine, 1]);
    learn(bytes.length - lengthOfLine, values[1] as object, { standing: { stands: true, form: "second" } });
    templates.goOn(lastD);
    expect([templates.take(), templates.lines]).toEqual([bytes.length, 2]);
    templates.drain();
    expect(values.map((value) => counted.get(value))).toEqual([5, 5, 4, 6]);
  });

  test("LineTemplates takes no line like one that is looked at, but says what stands of it and what was decided", () => {
    const counted: number[] = [];
    const templates = new LineTemplates<object>((_value, lines) => counted.push(lines));
    const scan = new EventScan();
    const heads = ["a", "b", "c"].map((name) => line({ name }));
    const bytes = Buffer.from(heads.join("") + line({ credential: "JTI=2" }));
    const value = {};
    const standing = { stands: true };
    const [first = ""] = heads;
    templates.load(bytes, 0, bytes.length);
    expect([templates.take(), templates.decided, templates.standing, templates.isLearnable]).toEqual([
      0,
      undefined,
      undefined,
      true,
    ]);
    expect(scan.scan(bytes, 0, first.length - 1)).toBe(true);
    const uriEnd = scan.valueEnd("requestURI");
    const fields = decided.filter((field) => field !== "objectRef.name");
    templates.learn(scan, value, { isKept: true, isLookedAt: true, standing }, { fields, uriEnd, name: undefined });
    for (let i = 0; i < heads.length; i++) {
      templates.goOn(i * first.length);
      expect(templates.take()).toBe(i * first.length);
      expect([templates.lines, templates.isLearnable]).toEqual([0, false]);
      expect(templates.decided).toBe(value);
      expect(templates.standing).toBe(standing);
    }
    templates.goOn(3 * first.length);
    templates.take();
    expect([templates.decided, templates.standing, templates.isLearnable]).toEqual([undefined, undefined, true]);
    standing.stands = false;
    templates.sync();
    templates.goOn(0);
    expect([templates.take(), templates.decided, templates.isLearnable]).toEqual([0, undefined, true]);
    templates.drain();
    expect(counted).toEqual([]);
  });

  test("LineTemplates moves kept lines behind one another over those that somebody is told of, and tells where these stand now", () => {
    const templates = new LineTemplates<object>(() => {}, { isExact: true });
    const scan = new EventScan();
    const dropped = line({ name: "dropped" });
    const objects = ["a", "bb", "web", "webs", "web-7b9c5d"];
    const lines = objects.map((name, i) => line({ query: `?x=${"x".repeat(i % 2)}`, name }));
    const names = ["kept", "dropped", "kept", "kept", "dropped", "dropped", "kept", "dropped", "kept"];
    let next = 0;
    const log = names.map((name) => (name === "kept" ? (lines[next++] as string) : dropped));
    const standing = { stands: true };
    for (const text of [dropped, ...lines]) {
      const bytes = Buffer.from(text);
      templates.load(bytes, 0, bytes.length);
      expect(templates.take()).toBe(0);
      expect(scan.scan(bytes, 0, bytes.length - 1)).toBe(true);
      const by = { fields: decided, uriEnd: scan.valueEnd("requestURI"), name: undefined };
      const isKept = text !== dropped;
      expect(templates.learn(scan, {}, isKept ? { isKept, isTold: true, standing } : { isKept }, by)).toBeGreaterThan(
        0,
      );
    }
    const bytes = Buffer.from(log.join(""));
    templates.load(bytes, 0, bytes.length);
    let out = "";
    let end: number | undefined;
    const told: string[] = [];
    for (let at = 0; at < bytes.length;) {
      at = templates.take();
      expect(templates.keptStart).toBe(end ?? templates.keptStart);
      end = templates.keptEnd;
      out += templates.memory.toString("latin1", templates.keptStart, end);
      if (templates.teller === standing) {
        const { bytes, length } = templates.told;
        expect(length).toBe(bytes.length);
        told.push(`${bytes.toString("latin1")}\n`);
        expect(templates.told.auditID).toBe("1b9ee3e5-8982-4b58-a2cd-0384840d7e4f");
        const name = objects[told.length - 1] as string;
        expect(objects.filter((one) => templates.told.isObject(`shop/${one}`))).toEqual([name]);
        expect(templates.told.objectHash).toBe(hashOfObject("shop", name));
      }
    }
    expect(told).toEqual(lines);
    expect(out).toBe(lines.join(""));
    // What is not known stays where it is, and so do those behind it.
    templates.load(bytes, 0, bytes.length);
    const first = templates.take();
    templates.goOn(first + dropped.length);
    templates.take();
    expect(templates.memory.toString("latin1", templates.keptStart, templates.keptEnd)).toBe(lines[1]);
  });

  test("LineTemplates looks for a head in lines that begin none no further than their first bytes, however far the next quote is", () => {
    const templates = new LineTemplates<object>(() => undefined);
    const chunk = Buffer.alloc(512 * 1024, "\n");
    let lines = 0;
    for (let round = 0; round < 16; round++) {
      const to = templates.load(chunk, 0, chunk.length);
      for (let at = 0; at < to; at++, lines++) {
        templates.goOn(at);
        templates.take();
      }
    }
    expect([lines, templates.isLearnable]).toEqual([16 * chunk.length, false]);
  });
});
