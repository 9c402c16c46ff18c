import { loadPolicy } from "@auditsieve/policy";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../run-command.suite.ts";
import { shippedDetections } from "../shipped.ts";
import { coverDetection } from "./policy-coverage.ts";

test("hardened leaves no detection blind, and docs/profiles.md says why it leaves some without their body", () => {
  const loaded = loadPolicy(readFileSync(join(ROOT, "profiles/policies/hardened.policy.yaml"), "utf8"));
  if (loaded.outcome === "refused") throw new Error(loaded.error);
  const answers = shippedDetections().map((each) => ({ title: each.title, ...coverDetection(loaded.policy, each) }));
  const titles = (answer: string): readonly string[] =>
    answers.filter((each) => each.answer === answer).map(({ title }) => title);
  expect(titles("blind")).toEqual([]);
  const docs = readFileSync(join(ROOT, "docs/profiles.md"), "utf8");
  const [, section = ""] = docs.split("## What hardened does not see");
  const [own = ""] = section.split("\n## ");
  const listed = [...own.matchAll(/^\| (.+?) \| .{20,} \|$/gm)].map(([, title]) => String(title));
  expect(listed.slice(1).toSorted()).toEqual(titles("without body").toSorted());
});
