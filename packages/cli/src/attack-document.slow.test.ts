import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  attackDocument,
  coverageOf,
  lostUnder,
  namesOf,
  POLICIES,
  readMeant,
} from "../../../scripts/attack-document.ts";
import { attackSteps, loadPack, readLog, ROOT } from "../../../scripts/attack-logs.ts";

const pack = loadPack();
const steps = attackSteps();
const meant = readMeant().attack;

describe("the recorded attack", () => {
  it("is written down as it is found today: docs/attack.md (node scripts/make-attack-doc.ts)", () => {
    expect(readFileSync(join(ROOT, "docs/attack.md"), "utf8")).toBe(attackDocument());
  });

  it.each(POLICIES)("under %s loses only what coverage says that it loses", (policy) => {
    const lost = lostUnder(policy, readLog("attack"), steps, meant, pack);
    const wrong = lost.filter(({ detection }) => coverageOf(policy, detection, pack).answer === "sees");
    expect(wrong).toEqual([]);
    const found = steps.flatMap(({ label }) =>
      namesOf(meant[label])
        .filter((name) => !lost.some((one) => one.label === label && one.detection === name))
        .map((name) => ({ label, name })),
    );
    expect(found.filter(({ name }) => coverageOf(policy, name, pack).answer === "blind")).toEqual([]);
    expect(found.length).toBeGreaterThan(70);
  });
});
