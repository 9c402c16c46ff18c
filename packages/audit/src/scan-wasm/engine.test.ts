import * as fc from "fast-check";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { zstdDecompressSync } from "node:zlib";
import { FIELD } from "../scan-fields.ts";
import type { Field } from "../scan-fields.ts";
import { EventScan } from "../scan.ts";
import { runs } from "../../../../test/property-runs.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const FIELDS = Object.keys(FIELD) as Field[];

/** All that a scan says, positions relative to the line. */
function said(scan: EventScan, line: Buffer): unknown {
  // Bytes around the line, so that reading past it would show.
  const padded = Buffer.concat([Buffer.from('{"user":"'), line, Buffer.from('"}}}')]);
  if (!scan.scan(padded, 9, 9 + line.length)) {
    return [scan.reason, scan.reasonField];
  }
  const places = FIELDS.map((field) =>
    scan.has(field) ? [scan.keyStart(field), scan.valueStart(field), scan.valueEnd(field)] : undefined,
  );
  return [scan.level, scan.stage, scan.code, places];
}

function sample(name: string): Buffer[] {
  const bytes = zstdDecompressSync(readFileSync(join(ROOT, "samples", name)));
  const lines: Buffer[] = [];
  for (let at = 0, end = bytes.indexOf(10); end !== -1; at = end + 1, end = bytes.indexOf(10, at)) {
    lines.push(bytes.subarray(at, end));
  }
  return lines;
}

describe("EventScan in WebAssembly", () => {
  const reference = new EventScan({ isReference: true });
  const scan = new EventScan();
  const lines = sample("attack.log.zst");

  test("EventScan says of every sample line what the JavaScript says", () => {
    for (const name of ["attack.log.zst", "working-day.log.zst"]) {
      const different = sample(name).filter((line) => !isDeepStrictEqual(said(scan, line), said(reference, line)));
      expect(different).toEqual([]);
    }
  });

  test("EventScan says of mutated sample lines what the JavaScript says", () => {
    const short = lines.filter((line) => line.length < 3000);
    const texts =
      '" \\ { } [ ] , : \n \t \0 \x1f \x7f - 0 1. e+ null tru \\u00 \\ud800 \\/ "user":{"username":"x"}, "code": "verb" é \u{1f600} \ufeff';
    const text = fc.constantFrom(" ", ...texts.split(" "));
    const bytes = fc.oneof(
      text.map((each) => Buffer.from(each)),
      fc.uint8Array({ maxLength: 5 }).map((each) => Buffer.from(each)),
      fc
        .constantFrom("eda080", "c080", "f48fbfbf", "f4908080", "e0a080", "e08080", "f0908080", "c3", "f09f98")
        .map((hex) => Buffer.from(hex, "hex")),
    );
    const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat(20), put: bytes });
    fc.assert(
      fc.property(fc.constantFrom(...short), fc.array(edit, { minLength: 1, maxLength: 3 }), (line, edits) => {
        const mutated = edits.reduce((bytes, { at, cut, put }) => {
          const place = Math.floor(at * bytes.length);
          return Buffer.concat([bytes.subarray(0, place), put, bytes.subarray(place + cut)]);
        }, line);
        expect(said(scan, mutated)).toEqual(said(reference, mutated));
      }),
      { numRuns: runs(1500) },
    );
  });

  test("EventScan walks strings of many escapes alike, wherever these stand", () => {
    const piece = fc.constantFrom(
      ...String.raw`\" \" \\ \\ \n \u0041 \ud83d \x \ " é`.split(" "),
      "a".repeat(7),
      "b".repeat(31),
      "c".repeat(64),
      "\u0001",
      "\u007f",
    );
    const head = '{"level":"Request","stage":"Panic","requestURI":"/","verb":"get","user":{},"requestObject":"';
    let events = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.nat(63), (pieces, length) => {
        const line = Buffer.from(`${head}${"x".repeat(length)}${pieces.join("")}"}`);
        const whole = said(reference, line);
        events += (whole as unknown[]).length === 4 ? 1 : 0;
        expect(said(scan, line)).toEqual(whole);
        // As a string of JSON in a string of JSON.
        const twice = Buffer.from(`${head}${"x".repeat(length)}${JSON.stringify(pieces.join("")).slice(1)}}`);
        expect(said(scan, twice)).toEqual(said(reference, twice));
      }),
      { numRuns: runs(1500) },
    );
    expect(events).toBeGreaterThan(100);
  });

  test("EventScan walks strings, depths and lengths around the limits alike", () => {
    const event = (body: string): Buffer =>
      Buffer.from(
        `{"level":"Request","stage":"Panic","requestURI":"/","verb":"get","user":{},"requestObject":${body}}`,
      );
    const bodies = [
      ...Array.from({ length: 70 }, (_, i) => `"${"a".repeat(i)}\\n${"é".repeat(i % 5)}"`),
      ...Array.from({ length: 70 }, (_, i) => `"${"a".repeat(i)}\u0001"`),
      ...[65_535, 65_536, 65_537].map((depth) => "[".repeat(depth) + "]".repeat(depth)),
      ...[524_000, 524_288, 600_000].map((length) => `"${"b".repeat(length)}"`),
    ];
    for (const body of bodies) {
      expect(said(scan, event(body))).toEqual(said(reference, event(body)));
    }
  });
});
