import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { openPrivates } from "../scripts/open-privates.ts";

test("openPrivates leaves no private name, tells those of classes within each other and of heirs apart, and leaves texts alone", () => {
  const code = `
    class Outer {
      #value = "outer";
      static #count = 0;
      get #text() { return "#value of " + this.#value; }
      #inner() {
        const outer = this;
        return new (class extends Outer {
          #value = "inner";
          both() { return [outer.#text, this.#value, Outer.#count++]; }
        })();
      }
      both() { return this.#inner().both(); }
    }
    return new Outer().both();`;
  const body = `(() => {${code}})()`;
  const opened = openPrivates(body);
  expect(opened.match(/#\w+/g)).toEqual(["#value"]);
  expect(runInNewContext(opened)).toEqual(["#value of outer", "inner", 0]);
});

test("openPrivates refuses code that looks for a private name in an object", () => {
  expect(() => openPrivates("class A { #a; static is(one) { return #a in one; } }")).toThrow('"#a in"');
});
