import { loadStreamPolicy, StreamPolicy } from "@auditsieve/policy";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ENTRIES, NOISE } from "../../../../scripts/evasion-entries.ts";
import { fateOf } from "./filter-oracle.suite.ts";
import { Filter } from "./filter.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const FOLDER = join(ROOT, "samples/evasion");

const policies = readdirSync(join(ROOT, "profiles/noise")).map((file) => {
  const loaded = loadStreamPolicy(readFileSync(join(ROOT, "profiles/noise", file), "utf8"));
  if (loaded.outcome !== "accepted") {
    throw new Error(loaded.problems[0]?.message);
  }
  return { file, rules: loaded.rules };
});

/** What is left of the log; the second line comes when the first is remembered. */
function filtered(log: Buffer, policy: StreamPolicy, verify: boolean): Buffer {
  const filter = new Filter({ policy, verify });
  return Buffer.concat([...filter.write(log).map((run) => Buffer.from(run)), ...filter.end()]);
}

describe("samples/evasion", () => {
  test("the files are what scripts/make-evasion.ts makes, and the README names them all", () => {
    const readme = readFileSync(join(FOLDER, "README.md"), "utf8");
    expect(readdirSync(FOLDER).sort()).toEqual([...ENTRIES.map(({ id }) => `${id}.log`), "README.md"].sort());
    for (const { id, line } of ENTRIES) {
      const made = Buffer.concat([Buffer.from(`${NOISE}\n`), line, Buffer.from("\n")]);
      expect(readFileSync(join(FOLDER, `${id}.log`)).equals(made), id).toBe(true);
      expect(readme).toContain(`| ${id} |`);
    }
  });

  test.each(ENTRIES)("no shipped noise policy drops $id", ({ id, line, needsVerify }) => {
    const log = readFileSync(join(FOLDER, `${id}.log`));
    for (const { file, rules } of policies) {
      for (const verify of [true, false]) {
        const out = filtered(log, new StreamPolicy(rules), verify);
        const end = out.subarray(Math.max(0, out.length - line.length - 1));
        const isKept = end.equals(Buffer.concat([line, Buffer.from("\n")]));
        const isNoiseDropped = out.length <= line.length + 1;
        // What the default mode does not see is dropped only where the line before it was.
        const mayBeDropped = needsVerify === true && !verify && isNoiseDropped;
        expect(isKept || mayBeDropped, `${file}${verify ? " --verify" : ""}`).toBe(true);
      }
      if (file.startsWith("control-loops")) {
        expect(fateOf(line, rules), file).not.toBe("drop");
      }
    }
  });

  test("what is said to need --verify is dropped without it: the README does not promise too little", () => {
    const rules = policies.find(({ file }) => file.startsWith("control-loops"))?.rules;
    for (const { id, needsVerify } of ENTRIES) {
      const out = filtered(readFileSync(join(FOLDER, `${id}.log`)), new StreamPolicy(rules as never), false);
      expect([id, out.length === 0]).toEqual([id, needsVerify === true]);
    }
  });
});
