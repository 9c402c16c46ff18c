import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { describe, expect, test } from "vitest";

const ROOMS = ["audit", "policy", "detect", "ingest", "replay", "cli"];
const RELATIVE_IMPORT = /(?:\bfrom|\bimport\(|^import) ?"(\.{1,2}\/[^"]+)"/gm;

/** What each file of a room imports from the room itself; files of tests may import whatever they test. */
function importsOf(room: string): ReadonlyMap<string, readonly string[]> {
  const root = join(import.meta.dirname, "../packages", room, "src");
  const files = globSync("**/*.ts", { cwd: root }).filter((file) => !/\.(test|suite)\.ts$/.test(file));
  return new Map(
    files.map((file) => {
      const text = readFileSync(join(root, file), "utf8");
      const targets = [...text.matchAll(RELATIVE_IMPORT)].map(([, target = ""]) =>
        relative(root, join(root, dirname(file), target)),
      );
      return [file, targets];
    }),
  );
}

/** The same between the folders right below; a file that stands beside them counts as one. */
function betweenFolders(imports: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
  const folderOf = (file: string): string => file.split(sep)[0] as string;
  const of = new Map<string, Set<string>>();
  for (const [file, targets] of imports) {
    const from = folderOf(file);
    const to = of.get(from) ?? new Set();
    of.set(from, to);
    targets.map(folderOf).forEach((target) => target !== from && to.add(target));
  }
  return new Map([...of].map(([from, to]) => [from, [...to]]));
}

/** One way from a place back to itself, as `a -> b -> a`; empty where there is none. */
function circle(imports: ReadonlyMap<string, readonly string[]>): string {
  const done = new Set<string>();
  const way: string[] = [];
  const follow = (place: string): string => {
    if (way.includes(place)) {
      return [...way.slice(way.indexOf(place)), place].join(" -> ");
    }
    if (done.has(place)) {
      return "";
    }
    way.push(place);
    for (const target of imports.get(place) ?? []) {
      const found = follow(target);
      if (found !== "") {
        return found;
      }
    }
    way.pop();
    done.add(place);
    return "";
  };
  for (const place of imports.keys()) {
    const found = follow(place);
    if (found !== "") {
      return found;
    }
  }
  return "";
}

describe("arrows go one way inside a room too", () => {
  test.each(ROOMS)("%s: no files import each other, and no folders do", (room) => {
    const imports = importsOf(room);
    expect([...imports.values()].flat()).not.toEqual([]);
    expect(circle(imports)).toBe("");
    expect(circle(betweenFolders(imports))).toBe("");
  });

  test("a circle is found and named, between files and between folders", () => {
    expect(
      circle(
        new Map([
          ["a.ts", ["b.ts"]],
          ["b.ts", ["c.ts"]],
          ["c.ts", ["b.ts"]],
        ]),
      ),
    ).toBe("b.ts -> c.ts -> b.ts");
    const files = new Map([
      ["a/x.ts", ["b/x.ts"]],
      ["b/x.ts", []],
      ["b/y.ts", ["a/y.ts"]],
      ["a/y.ts", []],
    ]);
    expect(circle(files)).toBe("");
    expect(circle(betweenFolders(files))).toBe("a -> b -> a");
  });
});
