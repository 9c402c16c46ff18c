import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readDetectionPaths } from "./detection-paths.ts";

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

  test("follows links, and finds each file once, whatever leads to it and however often", () => {
    const linked = join(folder, "linked");
    mkdirSync(join(linked, "..2026", "sub"), { recursive: true });
    writeFileSync(join(linked, "..2026", "a.yml"), "title: T\n");
    writeFileSync(join(linked, "..2026", "sub", "b.yml"), "title: T\n");
    // As a folder that a ConfigMap is mounted to.
    symlinkSync("..2026", join(linked, "..data"));
    symlinkSync("..data/a.yml", join(linked, "a.yml"));
    // In circles, of which the ways multiply.
    symlinkSync(".", join(linked, "x"));
    symlinkSync("..", join(linked, "..2026", "y"));
    symlinkSync("../../linked", join(linked, "..2026", "sub", "z"));
    const found = readDetectionPaths([linked]).map(({ path }) => relative(linked, path));
    expect(found).toEqual(["..2026/sub/b.yml", "a.yml"]);
    rmSync(linked, { recursive: true });
  });

  test("names what in a folder cannot be read, and goes on without it where that is left out", () => {
    const odd = join(folder, "odd");
    mkdirSync(join(odd, "folder.yml"), { recursive: true });
    writeFileSync(join(odd, "folder.yml", "a.yml"), "title: T\n");
    symlinkSync("nowhere", join(odd, "b.yml"));
    symlinkSync("c.yml", join(odd, "c.yml"));
    symlinkSync("/dev/zero", join(odd, "d.yml"));
    const left = ["b", "c", "d"].map((name) => `!${join(odd, `${name}.yml`)}`);
    expect(read(odd, ...left)).toEqual(["a.yml"]);
    expect(() => read(odd, ...left.slice(1))).toThrow(`Cannot read the detections "${odd}/b.yml": no such file`);
    expect(() => read(odd, left[0] ?? "", left[2] ?? "")).toThrow(`"${odd}/c.yml": ELOOP`);
    expect(() => read(odd, ...left.slice(0, 2))).toThrow(`"${odd}/d.yml": it is no file`);
    rmSync(odd, { recursive: true });
  });

  test("reads of a file that is far too large no more than is needed to refuse it", () => {
    const large = join(folder, "large.yml");
    writeFileSync(large, "");
    truncateSync(large, 3 * 1024 ** 3);
    expect(readDetectionPaths([large])[0]?.text).toHaveLength(16 * 1024 * 1024);
    rmSync(large);
  });
});
