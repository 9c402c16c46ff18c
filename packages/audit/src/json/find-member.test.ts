import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findMember } from "./find-member.ts";
import { isJsonObject, own } from "./json.ts";
import type { JsonValue } from "./json.ts";
import { KEYS, space, value } from "./spelled-objects.suite.ts";
import { MemberIndex, walkObject } from "../member-index.ts";
import { SCAN, sharedEngine } from "../scan-wasm/engine.ts";

test("findMember: the value that JSON.parse has there, however keys are spelled and repeated", () => {
  let found = 0;
  fc.assert(
    fc.property(value, fc.array(fc.constantFrom(...KEYS), { maxLength: 3 }), space, (text, keys, before) => {
      const bytes = Buffer.from(`xx${before}${text}${before}yy`);
      const range = findMember(bytes, 2, bytes.length - 2, keys);
      const expected = keys.reduce<JsonValue | undefined>(
        (parent, key) => (isJsonObject(parent) ? own(parent, key) : undefined),
        JSON.parse(text) as JsonValue,
      );
      found += range === undefined ? 0 : 1;
      expect(range && (JSON.parse(bytes.toString("utf8", range.start, range.end)) as JsonValue)).toEqual(expected);
    }),
    { numRuns: 3000 },
  );
  expect(found).toBeGreaterThan(300);
});

test("MemberIndex: what findMember finds, of one object after another, wherever its bytes stand", () => {
  const index = new MemberIndex();
  const ofModule = new MemberIndex();
  const { memory } = sharedEngine();
  let found = 0;
  fc.assert(
    fc.property(value, fc.array(fc.constantFrom(...KEYS), { maxLength: 4 }), space, (text, keys, before) => {
      const bytes = Buffer.from(`xx${before}${text}yy`);
      index.load(bytes, 2, bytes.length - 2);
      const held = memory.subarray(SCAN + 7, SCAN + 7 + bytes.copy(memory, SCAN + 7));
      ofModule.load(held, 2, held.length - 2);
      for (let length = 0; length <= keys.length; length++) {
        const range = index.find(keys.slice(0, length));
        found += range === undefined || length === 0 ? 0 : 1;
        expect(range).toEqual(findMember(bytes, 2, bytes.length - 2, keys.slice(0, length)));
        expect(ofModule.find(keys.slice(0, length))).toEqual(range);
      }
    }),
    { numRuns: 2000 },
  );
  expect(found).toBeGreaterThan(50);
});

test("MemberIndex: what is found in the engine's memory stays the same while others are loaded and asked", () => {
  const { memory } = sharedEngine();
  const texts = ['{"a":{"b":1,"c":2},"d":3}', '{"c":{"a":[4]},"a":{"c":{"b":5}}}', "[6]", '{"a":7'];
  const parts = texts.map((text, i) => {
    const at = SCAN + 1000 * i;
    const bytes = memory.subarray(at, at + memory.write(text, at, "latin1"));
    const index = new MemberIndex();
    index.load(bytes, 0, bytes.length);
    return { bytes, index };
  });
  const paths = [["a"], ["a", "b"], ["a", "c"], ["a", "c", "b"], ["c", "a"], ["d"]];
  for (const path of [...paths, ...paths.toReversed()]) {
    for (const { bytes, index } of parts.slice(0, 3)) {
      expect(index.find(path)).toEqual(findMember(bytes, 0, bytes.length, path));
    }
    // Of what is cut it says something, each time the same.
    expect(parts[3]?.index.find(["a"])).toEqual({ start: 5, end: 6 });
  }
});

test("walkObject: says where an object ends, and an index that is loaded by the same one finds what is there", () => {
  const engine = sharedEngine();
  const { memory } = engine;
  const [walked, other] = [new MemberIndex(), new MemberIndex()];
  let objects = 0;
  fc.assert(
    fc.property(value, fc.array(fc.constantFrom(...KEYS), { maxLength: 3 }), (text, keys) => {
      const start = SCAN + 3;
      // As in a line.
      const end = start + memory.write(text.trim().replaceAll(/[\t\n\r]/g, " "), start);
      memory.write(',"a":{}}\n', end);
      const by = {};
      const isObject = walkObject(engine, start, end, by);
      expect(isObject).toBe(isJsonObject(JSON.parse(text)));
      expect(walkObject(engine, start, end + 1, {})).toBe(false);
      if (!isObject || keys.length === 0) {
        return;
      }
      objects++;
      const expected = findMember(memory, start, end, keys);
      for (const isWalkedLast of [true, false]) {
        walkObject(engine, start, end, by);
        if (!isWalkedLast) {
          other.load(memory, end + 5, end + 7);
        }
        walked.load(memory, start, end, by);
        expect(walked.find(keys)).toEqual(expected);
        other.load(memory, end + 5, end + 7);
        expect(walked.find(keys)).toEqual(expected);
      }
    }),
    { numRuns: 2000 },
  );
  expect(objects).toBeGreaterThan(100);
});

test("MemberIndex: an object of very many members is walked each time", () => {
  const many = Array.from({ length: 1100 }, (_, i) => `"${i}":{"a":${i}}`).join(",");
  const bytes = Buffer.from(`{${many}}`);
  const { memory } = sharedEngine();
  const held = memory.subarray(SCAN, SCAN + bytes.copy(memory, SCAN));
  const index = new MemberIndex();
  for (const each of [bytes, held]) {
    index.load(each, 0, each.length);
    for (const key of ["0", "500", "1099"]) {
      const range = index.find([key, "a"]);
      expect(bytes.toString("utf8", range?.start, range?.end)).toBe(key);
    }
  }
});

test("findMember and MemberIndex: look at what is cut or damaged too, and throw nothing", () => {
  const { memory } = sharedEngine();
  const index = new MemberIndex();
  const places = fc.record({ cut: fc.nat(200), at: fc.nat(200), byte: fc.nat(255) });
  fc.assert(
    fc.property(
      value,
      places,
      fc.array(fc.constantFrom(...KEYS), { maxLength: 3 }),
      (text, { cut, at, byte }, keys) => {
        const bytes = Buffer.from(`{"a":${text},"spec":{"a":${text}}}`);
        bytes[at % bytes.length] = byte;
        const behind = Math.min(cut, bytes.length);
        for (const each of [bytes, memory.subarray(SCAN, SCAN + bytes.copy(memory, SCAN))]) {
          expect(() => findMember(each, 0, behind, keys)).not.toThrow();
          index.load(each, 0, behind);
          expect(() => index.find(keys)).not.toThrow();
        }
      },
    ),
    { numRuns: 1000 },
  );
  expect(findMember(Buffer.from('{"a\\u00":1}'), 0, 11, ["a"])).toBeUndefined();
});

test.each(['{"a":1', '{"a"', '{"b":2 "a":1}', '{"a":', "{", "", '{"b":1,'])(
  "findMember: nothing in what is cut: %s",
  (text) => {
    const bytes = Buffer.from(text);
    expect(findMember(bytes, 0, bytes.length, ["a"])).toBeUndefined();
  },
);
