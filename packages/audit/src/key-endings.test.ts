import * as fc from "fast-check";
import { expect, test } from "vitest";
import { KeyEndings } from "./key-endings.ts";
import { SCAN, sharedEngine } from "./scan-wasm/engine.ts";

/** Pieces of keys and values, some of which make an ending together. */
const piece = fc.constantFrom("host", "Path", "privileged", "d", '"', '":', ",", "\\", "u0048", "x".repeat(40), "é");
const ENDINGS = [
  ["privileged", "hostPath"],
  ["d"],
  ["hostPathhost", "x".repeat(57), "Path"],
  ["x".repeat(70)],
  ["a b"],
];

test("KeyEndings says the same of bytes in the engine's memory and elsewhere, whatever stands around them", () => {
  let absent = 0;
  const endings = ENDINGS.map((some) => new KeyEndings(some));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.array(piece, { maxLength: 4 }), fc.nat(2), (some, others, i) => {
      const [before, text, behind] = [others.join(""), some.join(""), [...others].reverse().join("")];
      const bytes = Buffer.from(before + text + behind);
      const start = Buffer.byteLength(before);
      const end = start + Buffer.byteLength(text);
      const held = sharedEngine().memory.subarray(SCAN + i, SCAN + i + bytes.length);
      bytes.copy(held);
      for (const one of endings) {
        const isAbsent = one.areAbsent(held, start, end);
        expect(isAbsent, text).toBe(one.areAbsent(bytes, start, end));
        absent += isAbsent ? 1 : 0;
      }
      const isHostPath = text.includes('hostPath"') || text.includes('privileged"');
      expect(endings[0]?.areAbsent(held, start, end)).toBe(!isHostPath && !text.includes("\\u"));
    }),
    { numRuns: 2000 },
  );
  expect(absent).toBeGreaterThan(500);
});
