import { array, assert, constantFrom, oneof, property, record, string } from "fast-check";
import { describe, expect, test } from "vitest";
import type { Session, Touch } from "./sessions.ts";
import { TouchTable } from "./touch-table.ts";
import type { TouchKey } from "./touch-table.ts";

const SESSIONS = [0, 1, 2].map((id) => ({ id }) as unknown as Session);

describe("TouchTable", () => {
  test("TouchTable finds what a map by texts finds, in the order of the first of each", () => {
    const word = constantFrom("", "a", "b", "ab", "ba", "web-1", "ä");
    const key = record({
      session: constantFrom(...SESSIONS),
      verb: constantFrom("get", "list"),
      resource: word,
      namespace: word,
      name: oneof(word, string({ maxLength: 8 })),
    });
    assert(
      property(array(key, { maxLength: 3_000, size: "max" }), (keys) => {
        const [table, map] = [new TouchTable<Touch>(), new Map<string, Touch>()];
        for (const one of keys) {
          const text = textOf(one);
          expect(table.find(one)).toBe(map.get(text));
          if (!map.has(text)) {
            const touch = { ...one } as Touch;
            map.set(text, touch);
            table.add(touch);
          }
        }
        expect(table.all()).toEqual([...map.values()]);
        const again = new TouchTable<Touch>();
        again.restore(table.all());
        expect(keys.every((one) => again.find(one) === map.get(textOf(one)))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });
});

function textOf({ session, verb, resource, namespace, name }: TouchKey): string {
  return JSON.stringify([session.id, verb, resource, namespace, name]);
}
