import { afterEach, describe, expect, test, vi } from "vitest";
import { writeJsonDocument } from "./json-document.ts";

describe("writeJsonDocument", () => {
  afterEach(() => vi.restoreAllMocks());

  test.each([
    ["nothing", {}, []],
    ["no item", { a: { b: 1 } }, []],
    ["items", { a: [1] }, [{ x: "one\ntwo" }, 2, "three", [], { y: {} }]],
    ["items beyond one write", {}, Array.from({ length: 3_000 }, (_, i) => ({ number: i, text: "x".repeat(40) }))],
  ])("writeJsonDocument writes %s as JSON.stringify does", async (_what, fields, items) => {
    let written = "";
    vi.spyOn(process.stdout, "write").mockImplementation((text, then) => {
      written += String(text);
      (then as unknown as () => void)();
      return true;
    });
    await writeJsonDocument(fields, "items", items);
    expect(written).toBe(`${JSON.stringify({ ...fields, items }, undefined, 2)}\n`);
  });
});
