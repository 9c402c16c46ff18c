import { loadStreamPolicy } from "@auditsieve/policy";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadedFile, loadedText, noiseNames } from "../../../scripts/make-loaded-noise.ts";
import { rulesOfShipped } from "./loaded-noise.ts";
import { PROFILES } from "./shipped-files.ts";

describe("rulesOfShipped", () => {
  test("profiles/loaded is what scripts/make-loaded-noise.ts makes, and nothing else", () => {
    const names = noiseNames();
    expect(names).toContain("control-loops");
    expect(readdirSync(dirname(loadedFile("x"))).sort()).toEqual(names.map((name) => `${name}.json`).sort());
    for (const name of names) {
      expect(JSON.parse(readFileSync(loadedFile(name), "utf8")), name).toEqual(JSON.parse(loadedText(name)));
    }
  });

  test.each(noiseNames())("rulesOfShipped gives what loading %s does, and nothing for another text", (name) => {
    const text = readFileSync(join(PROFILES, "noise", `${name}.policy.yaml`), "utf8");
    const loaded = loadStreamPolicy(text);
    expect(rulesOfShipped(name, text)).toStrictEqual(loaded.outcome === "accepted" ? loaded.rules : "accepted");
    expect(rulesOfShipped(name, `${text} `)).toBeUndefined();
    expect(rulesOfShipped("../noise", text)).toBeUndefined();
  });
});
