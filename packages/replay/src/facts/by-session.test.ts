import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bySession } from "./by-session.ts";
import type { Session } from "./sessions.ts";

test("bySession gives what a search through all gives, in its order", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5)), fc.array(fc.nat(7)), (ids, asked) => {
      const session = (id: number): Session => ({ id }) as Session;
      const all = ids.map((id, i) => ({ session: session(id), i }));
      const found = bySession(all)(asked.map(session));
      expect(found).toEqual(all.filter(({ session: { id } }) => asked.includes(id)));
    }),
  );
});
