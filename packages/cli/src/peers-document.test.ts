import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { behavioursDocument, detectionNames, peersDocument, readParts, ROOT } from "../../../scripts/peers-document.ts";
import type { Answer } from "../../../scripts/peers-document.ts";

const names = detectionNames();
const all = [...readParts("peers"), ...readParts("behaviours")].flatMap(([, rows]) => rows);
const namesOf = (answer: Answer): readonly string[] => (typeof answer === "string" ? [] : answer);

describe("docs/peers.md and docs/behaviours.md", () => {
  it("are what node scripts/make-peers-doc.ts writes", () => {
    expect(readFileSync(join(ROOT, "docs/peers.md"), "utf8")).toBe(peersDocument());
    expect(readFileSync(join(ROOT, "docs/behaviours.md"), "utf8")).toBe(behavioursDocument());
  });

  it("say something of every rule and every behaviour", () => {
    const counts = Object.fromEntries(readParts("peers").map(([peer, rows]) => [peer, rows.length]));
    expect(counts).toEqual({ SigmaHQ: 16, Falco: 48, Elastic: 45, Panther: 33, GuardDuty: 35, Stratus: 10 });
    expect(readParts("behaviours").flatMap(([, rows]) => rows)).toHaveLength(111);
  });

  it("name detections that are there", () => {
    const named = new Set(all.flatMap(([, answer]) => namesOf(answer)));
    expect([...named].filter((name) => !names.has(name))).toEqual([]);
    expect(all.filter(([, answer]) => answer.length === 0)).toEqual([]);
  });
});
