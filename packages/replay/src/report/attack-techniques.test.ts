import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { technique } from "./attack-techniques.ts";

const FOLDER = new URL("../../../../profiles/detections/", import.meta.url);

/** Of each detection file, what its first document is tagged with: ids of techniques, names of tactics. */
const TAGGED = globSync("*/*.yml", { cwd: FOLDER })
  .sort()
  .map((file) => {
    const [first = ""] = readFileSync(new URL(file, FOLDER), "utf8").split("\n---\n");
    const tags = [...first.matchAll(/^ {2}- attack\.(\S+)$/gm)].map(([, tag = ""]) => tag);
    const isTechnique = (tag: string): boolean => /^t\d{4}/.test(tag);
    return {
      file,
      techniques: tags.filter(isTechnique).map((tag) => tag.toUpperCase()),
      tactics: tags.filter((tag) => !isTechnique(tag)),
    };
  });

/** As Sigma's tags spell it. */
function tagsOfTactics(id: string): readonly string[] {
  return technique(id).tactics.map((tactic) => tactic.toLowerCase().replaceAll(" ", "-"));
}

describe("technique", () => {
  it("knows every technique that the shipped detections name, none of which ATT&CK 19 has revoked", () => {
    const ids = [...new Set(TAGGED.flatMap(({ techniques }) => techniques))].sort();
    expect(ids.length).toBeGreaterThan(40);
    expect(ids.filter((id) => technique(id).tactics.length === 0 || /^T1562\b/.test(id))).toEqual([]);
  });

  it("stands under the tactics that a shipped detection names: none without a technique, no technique without one", () => {
    const wrong = TAGGED.flatMap(({ file, techniques, tactics }) => [
      ...techniques
        .filter((id) => !tagsOfTactics(id).some((tactic) => tactics.includes(tactic)))
        .map((id) => `${file}: ${id} is of none of ${tactics.join(", ")}`),
      ...tactics
        .filter((tactic) => !techniques.some((id) => tagsOfTactics(id).includes(tactic)))
        .map((tactic) => `${file}: no technique of ${tactic}`),
    ]);
    expect(wrong).toEqual([]);
  });

  it("keeps the id of one that it does not know", () => {
    expect(technique("T0000")).toEqual({ name: "T0000", tactics: [] });
  });
});
