import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readDetectionPaths } from "./detection-set.ts";

describe("readDetectionPaths", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "auditsieve-paths-"));
    mkdirSync(join(folder, "old"));
    ["a.yml", "ab.yml", "old/c.yml", "old/d.yaml"].forEach((name) => writeFileSync(join(folder, name), "title: T\n"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const read = (...paths: readonly string[]): readonly string[] =>
    readDetectionPaths(paths).map(({ file }) => basename(file));

  test("leaves out of folders the files and folders that a ! stands before, wherever they are named", () => {
    expect(read(folder)).toEqual(["a.yml", "ab.yml", "c.yml", "d.yaml"]);
    expect(read(folder, `!${join(folder, "a.yml")}`)).toEqual(["ab.yml", "c.yml", "d.yaml"]);
    expect(read(`!${join(folder, "old")}/`, folder)).toEqual(["a.yml", "ab.yml"]);
    expect(read(folder, `!${relative(process.cwd(), join(folder, "old/c.yml"))}`)).toEqual([
      "a.yml",
      "ab.yml",
      "d.yaml",
    ]);
    // A file that is named itself is wanted.
    expect(read(folder, join(folder, "a.yml"), `!${join(folder, "a.yml")}`)).toEqual([
      "ab.yml",
      "c.yml",
      "d.yaml",
      "a.yml",
    ]);
  });

  test.each(["nothing.yml", "old/nothing.yml", ""])("says that there is nothing to leave out: %j", (name) => {
    expect(() => read(folder, `!${name === "" ? "" : join(folder, name)}`)).toThrow(
      /^Cannot leave out "[^"]*": it is in no folder of detections that is named$/,
    );
  });

  test("leaves nothing out of the shipped detections: that is what exceptions are for", () => {
    expect(() => read("shipped", "!profiles/detections")).toThrow("Cannot leave out");
  });
});
