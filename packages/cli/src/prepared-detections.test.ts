import type { Detection } from "@auditsieve/detect";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { preparedDetections, preparedText } from "./prepared-detections.ts";
import { shippedDetections } from "./shipped.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-prepared-"));
const file = join(folder, "detections.json");
let text = "";
beforeAll(() => {
  text = preparedText();
  writeFileSync(file, text);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** All that a detection says, its compiled condition too, but for the code of its tests and the names of its parts. */
function said({ reads: _reads, selections: _selections, restsOn, ...detection }: Detection): unknown {
  const text = JSON.stringify({ ...detection, restsOn: restsOn?.map(({ id }) => id) }, (_, value: unknown) =>
    value instanceof Map || value instanceof Set ? [...(value as Iterable<unknown>)] : value,
  );
  return JSON.parse(text);
}

describe("preparedDetections", () => {
  test("preparedDetections are those that loading gives", () => {
    const prepared = preparedDetections(file) ?? [];
    expect(prepared.map(said)).toEqual(shippedDetections().map(said));
  });

  test("preparedDetections compiles no condition before it is looked at, and knows what it reads", () => {
    const [detection] = preparedDetections(file) ?? [];
    expect(Object.getOwnPropertyDescriptor(detection, "condition")).toHaveProperty("get");
    const { condition } = detection as Detection;
    expect({ ...(detection as Detection) }.condition).toBe(condition);
    expect(Object.getOwnPropertyDescriptor(detection, "condition")?.value).toBe(condition);
  });

  test("preparedDetections compiles what stands in many detections once", () => {
    const found: unknown[] = [];
    const visit = (part: Detection["condition"]): void => {
      if (part.kind === "and" || part.kind === "or") {
        part.of.forEach(visit);
      } else if (part.kind === "null" && part.field.text === "objectRef.subresource") {
        found.push(part);
      }
    };
    (preparedDetections(file) ?? []).forEach(({ condition }) => visit(condition));
    expect(found.length).toBeGreaterThan(10);
    expect(new Set(found).size).toBe(1);
  });

  test("preparedDetections says nothing of other texts, nor where nothing was prepared", () => {
    const other = join(folder, "other.json");
    // One byte of a text, a text more, another name, another length.
    const changes: readonly (readonly [RegExp | string, string])[] = [
      [/\ntitle: ./, "\ntitle: ~"],
      ['"texts":[', '"texts":[["a.yml",0],'],
      [/"texts":\[\["./, '"texts":[["~'],
      [/"texts":\[(\["[^"]+",\d+)/, '"texts":[$10'],
    ];
    for (const [from, to] of changes) {
      expect(from).toSatisfy(() => text.replace(from, to) !== text);
      writeFileSync(other, text.replace(from, to));
      expect([from, preparedDetections(other)]).toEqual([from, undefined]);
    }
    expect(preparedDetections(join(folder, "none.json"))).toBeUndefined();
    expect(preparedDetections()).toBeUndefined();
  });
});
