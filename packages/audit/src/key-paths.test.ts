import * as fc from "fast-check";
import { expect, test, vi } from "vitest";
import type { JsonValue } from "./json/json.ts";
import { KEYS, space, value } from "./json/spelled-objects.suite.ts";
import { KeyEndings } from "./key-endings.ts";
import { KeyPaths } from "./key-paths.ts";
import type { KeyPath } from "./key-paths.ts";
import { MemberIndex } from "./member-index.ts";
import { SCAN, sharedEngine } from "./scan-wasm/engine.ts";
import { runs } from "../../../test/property-runs.ts";

const PATHS: readonly KeyPath[] = [["spec"], ["spec", "a"], ["a", "sp"], ["a", "spec"], ["sp"], ["é", "a"], ["", "a"]];
const PLAIN: readonly KeyPath[] = PATHS.slice(0, 5);

test("KeyPaths finds what MemberIndex finds at each path, wherever the bytes stand", () => {
  const { memory } = sharedEngine();
  const [index, ofModule] = [new MemberIndex(), new MemberIndex()];
  const sets = [PATHS, PLAIN, KEYS.map((key): KeyPath => ["a", key])].map((paths) => ({
    paths,
    of: new KeyPaths(paths),
  }));
  let found = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...KEYS), value), { maxLength: 5 }), space, (members, before) => {
      const text = `{${members.map(([key, of]) => `${before}${JSON.stringify(key)}:${of}`).join(",")}}`;
      const bytes = Buffer.from(`xx${text}yy`);
      const held = memory.subarray(SCAN + 7, SCAN + 7 + bytes.copy(memory, SCAN + 7));
      index.load(bytes, 2, bytes.length - 2);
      ofModule.load(held, 2, held.length - 2);
      for (const { paths, of } of sets) {
        for (const look of [
          () => of.find(index),
          () => of.find(ofModule),
          () => of.findParsed(JSON.parse(text) as JsonValue),
        ]) {
          look();
          paths.forEach((path, i) => {
            const range = index.find(path);
            const spelled = range === undefined ? undefined : bytes.toString("utf8", range.start, range.end);
            found += spelled === undefined ? 0 : 1;
            expect(of.value(i)).toEqual(spelled === undefined ? undefined : JSON.parse(spelled));
          });
        }
      }
    }),
    { numRuns: runs(600) },
  );
  expect(found).toBeGreaterThan(1000);
});

test("KeyPaths: what was found stays while others look, and says how it is spelled", () => {
  const { memory } = sharedEngine();
  const text = '{"status":{"podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"}],"none":[]},"status2":1}';
  for (const bytes of [Buffer.from(text), memory.subarray(SCAN, SCAN + memory.write(text, SCAN))]) {
    const index = new MemberIndex();
    index.load(bytes, 0, bytes.length);
    const find = vi.spyOn(index, "find");
    const paths = new KeyPaths([["status"], ["status", "podIP"], ["status", "podIPs"], ["status", "none"], ["other"]]);
    paths.find(index);
    const others = new KeyPaths([["status2"]]);
    others.find(index);
    expect(others.value(0)).toBe(1);
    // The engine finds them all in one call.
    expect(find.mock.calls.length > 0).toBe(bytes.buffer !== memory.buffer);
    expect([1, 2, 3, 4].map((path) => paths.value(path))).toEqual(["10.0.0.1", [{ ip: "10.0.0.1" }], [], undefined]);
    expect([0, 1, 2, 3, 4].map((path) => paths.listsObjects(path))).toEqual([false, false, true, false, false]);
    const spelled = ['"', "10.0.0.1", '"'] as const;
    expect([0, 1, 2, 3, 4].map((path) => paths.spells(path, ...spelled))).toEqual([false, true, false, false, false]);
    expect(paths.spells(2, '[{"ip":"', "10.0.0.1", '"}]')).toBe(true);
    expect([["IP"], ["port"]].map((keys) => paths.lacks(2, new KeyEndings(keys)))).toEqual([true, true]);
    expect(["ip", "port"].map((key) => paths.lacks(2, new KeyEndings([key])))).toEqual([false, true]);
    expect(paths.lacks(4, new KeyEndings(["port"]))).toBe(false);
  }
});

test("KeyPaths finds more paths than the engine has room for, in more sets, and long keys", () => {
  const { memory } = sharedEngine();
  const key = "k".repeat(60);
  const text = `{"a":{${Array.from({ length: 20 }, (_, i) => `"${i}":${i}`).join(",")}},"${key}":true}`;
  const bytes = memory.subarray(SCAN, SCAN + memory.write(text, SCAN));
  const index = new MemberIndex();
  index.load(bytes, 0, bytes.length);
  const many = new KeyPaths(Array.from({ length: 20 }, (_, i): KeyPath => ["a", String(i)]));
  many.find(index);
  expect(Array.from({ length: 20 }, (_, i) => many.value(i))).toEqual(Array.from({ length: 20 }, (_, i) => i));
  const long = new KeyPaths([[key]]);
  long.find(index);
  expect(long.value(0)).toBe(true);
  const sets = Array.from({ length: 40 }, (_, i) => new KeyPaths([["a", String(i % 20)]]));
  sets.forEach((set) => set.find(index));
  expect(sets.map((set) => set.value(0))).toEqual(sets.map((_, i) => i % 20));
});

test("KeyPaths: of what was parsed, or is not there, it says nothing but the values", () => {
  const paths = new KeyPaths([["spec"], ["spec", "containers"]]);
  paths.findParsed({ spec: { containers: [{}] } });
  expect([paths.value(0), paths.value(1)]).toEqual([{ containers: [{}] }, [{}]]);
  expect([paths.listsObjects(1), paths.lacks(0, new KeyEndings(["a"])), paths.spells(1, "[{", "", "}]")]).toEqual([
    false,
    false,
    false,
  ]);
  paths.findParsed(undefined);
  expect([paths.value(0), paths.value(1)]).toEqual([undefined, undefined]);
});
