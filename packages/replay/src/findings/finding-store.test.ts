import { findingOfJson, SEVERITIES } from "@auditsieve/detect";
import type { Finding, Severity } from "@auditsieve/detect";
import * as fc from "fast-check";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { byTime, FindingStore } from "./finding-store.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-findings-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

function finding(second: number, id: string, more: Partial<Finding> & { readonly level?: Severity } = {}): Finding {
  const { level = "low", ...rest } = more;
  const time = `2026-11-24T10:00:00.${String(second).padStart(6, "0")}Z`;
  return {
    id,
    detection: { id: `d-${level}`, title: "Täuschung\n", level, techniques: [] },
    time,
    actor: "eve",
    summary: "x",
    outcome: "success",
    auditIDs: [id],
    events: [],
    ...rest,
  };
}

describe("FindingStore", () => {
  test("FindingStore takes a finding whose event is nested nearly as deeply as Go reads JSON, with every byte of that as it was", () => {
    const json = `{"auditID":"a","verb":"patch","requestURI":"/","user":{},"requestObject":${'{"a":'.repeat(9_900)}1.0${"}".repeat(9_900)}}`;
    const [line = ""] = [finding(1, "a")].map((one) =>
      JSON.stringify(one).replace('"events":[]', `"events":[${json}]`),
    );
    const store = new FindingStore({ heldBytes: 1_000 });
    store.add(findingOfJson(line));
    [...store].forEach((each) => store.add(each));
    expect([...store.lines()]).toEqual([`${line}\n`, `${line}\n`]);
    store.close();
  });

  test("FindingStore gives what it was given in order of time, again and again, however little memory it has", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(50), fc.string({ minLength: 1, maxLength: 4 })), { maxLength: 60 }),
        fc.constantFrom(200, 1_000, 1_000_000),
        (given, heldBytes) => {
          const store = new FindingStore({ heldBytes });
          const findings = given.map(([second, id], i) => finding(second, `${id}-${i}`));
          findings.forEach((each) => store.add(each));
          const expected = findings.toSorted(byTime);
          expect(store.size).toBe(findings.length);
          expect([...store]).toEqual(expected);
          expect([...store.lines()]).toEqual(expected.map((each) => `${JSON.stringify(each)}\n`));
          const pieces = Array.from(store.bytes(), (piece) => Buffer.from(piece));
          expect(Buffer.concat(pieces).toString()).toBe([...store.lines()].join(""));
          store.close();
          expect([...store]).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("FindingStore leaves nothing on the disk that has a name", () => {
    const temporary = mkdtempSync(join(folder, "tmp-"));
    vi.stubEnv("TMPDIR", temporary);
    const store = new FindingStore({ heldBytes: 10 });
    store.add(finding(1, "a"));
    store.add(finding(0, "b"));
    vi.unstubAllEnvs();
    expect(readdirSync(temporary)).toEqual([]);
    expect([...store].map(({ id }) => id)).toEqual(["b", "a"]);
    store.close();
  });

  test("FindingStore goes on from a snapshot, and what was written behind it is gone", () => {
    const file = join(folder, "findings");
    const store = new FindingStore({ heldBytes: 600, file });
    const all = Array.from({ length: 20 }, (_, i) => finding((i * 7) % 20, `f-${i}`));
    all.slice(0, 11).forEach((each) => store.add(each));
    const snapshot = structuredClone(store.snapshot());
    const bytes = statSync(file).size;
    all.slice(0, 9).forEach((each) => store.add(each));
    store.close();
    const next = new FindingStore({ heldBytes: 600, file });
    next.restore(snapshot);
    expect(readFileSync(file).length).toBe(bytes);
    all.slice(11).forEach((each) => next.add(each));
    expect([...next]).toEqual(all.toSorted(byTime));
    expect([...next.counts().byActor, ...next.counts().bySeverity]).toEqual([
      ["eve", 20],
      ["low", 20],
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    next.close();
  });

  test("chosen has all of few findings, and of many the first of each kind, the grave ones whatever floods", () => {
    const few = new FindingStore();
    [3, 1, 2].forEach((second) => few.add(finding(second, `f-${second}`)));
    expect(few.chosen().findings).toEqual([...few]);
    const many = new FindingStore({ heldBytes: 10_000 });
    for (let i = 0; i < 300; i++) {
      many.add(finding(i, `f-${i}`));
    }
    const body = { requestObject: { text: "x".repeat(60_000) }, auditID: "a", stage: "ResponseComplete" };
    const events = [body as unknown as Finding["events"][number]];
    SEVERITIES.forEach((level, i) => many.add(finding(1_000 + i, level, { level, events, actor: "ann" })));
    const { findings, countOf } = many.chosen();
    expect(findings.map(({ id }) => id)).toEqual([...Array.from({ length: 50 }, (_, i) => `f-${i}`), ...SEVERITIES]);
    expect([countOf("eve", "d-low"), countOf("ann", "d-low"), countOf("ann", "none")]).toEqual([300, 1, 0]);
    expect(findings.at(-1)?.events).toEqual([{ auditID: "a", stage: "ResponseComplete" }]);
    many.close();
  });
});
