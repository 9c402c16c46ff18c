import { isJsonObject, readYaml } from "@auditsieve/audit";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadPolicy } from "../load.ts";
import { lintPolicy } from "../lint/index.ts";
import { generatePolicy } from "./generate-policy.ts";
import { loadProfile } from "./load-profile.ts";
import { loadProfileCases, runProfileCase } from "./profile-cases.ts";
import type { ProfileCase } from "./profile-cases.ts";
import type { Profile } from "./profile.ts";

const folder = new URL("../../../../profiles/policies/", import.meta.url);
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".profile.yaml"))
  .map((name) => name.replace(/\.profile\.yaml$/, ""));
const read = (name: string): string => readFileSync(new URL(name, folder), "utf8");

describe.each(names)("profile %s", (name) => {
  const profile = profileOf(name);

  test("has the name of its file", () => {
    expect(profile.name).toBe(name);
  });

  test("generates its golden policy", () => {
    const generated = generatePolicy(profile);
    const golden = new URL(`${name}.policy.yaml`, folder);
    const text = generated.outcome === "generated" ? generated.text : JSON.stringify(generated.problems);
    if (process.env["UPDATE_GOLDEN"] !== undefined || !existsSync(golden)) {
      writeFileSync(golden, text);
    }
    expect(text, "regenerate with UPDATE_GOLDEN=1").toBe(read(`${name}.policy.yaml`));
  });

  test.each(["1.29", "1.35", "1.37"])("generates a policy that Kubernetes %s loads", (kubernetesVersion) => {
    expect(generatePolicy(profile, { kubernetesVersion }).outcome).toBe("generated");
  });

  test("has ten cases or more, and every rule of its own decides one", () => {
    const cases = casesOf(name);
    const decided = new Set(cases.map(({ rule }) => rule));
    const inherited = new Set(rulesOfBase(name).map((rule) => JSON.stringify(rule)));
    const own = profile.rules.filter((rule) => !inherited.has(JSON.stringify(rule))).map(({ id }) => id);
    expect(cases.length).toBeGreaterThanOrEqual(10);
    expect(own.filter((id) => !decided.has(id))).toEqual([]);
  });

  test("gives lint no error: what it means to do is declared, and told to who generates it", () => {
    const generated = generatePolicy(profile);
    const loaded = loadPolicy(generated.outcome === "generated" ? generated.text : "");
    const found = loaded.outcome === "accepted" ? lintPolicy(loaded) : [];
    const notices = generated.outcome === "generated" ? generated.notices.join(" ").replace(/\s+/g, " ") : "";
    const declared = found.flatMap(({ message }) => /\(declared: (.*)\)$/.exec(message)?.[1] ?? []);
    expect(loaded.outcome).toBe("accepted");
    expect(found.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(declared.filter((reason) => !notices.includes(reason))).toEqual([]);
  });

  test.each(casesOf(name).map((one) => [one.why, one.request, one] as const))("%s: %s", (_why, _request, one) => {
    expect(runProfileCase(profile, one)).toBeUndefined();
  });
});

function profileOf(name: string): Profile {
  const loaded = loadProfile(read(`${name}.profile.yaml`), {
    origin: name,
    find: (base) => ({ text: read(`${base}.profile.yaml`), origin: base }),
  });
  if (loaded.outcome === "refused") {
    throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
  }
  return loaded.profile;
}

function rulesOfBase(name: string): Profile["rules"] {
  const value = readYaml(read(`${name}.profile.yaml`)).documents[0]?.value;
  const base = isJsonObject(value) ? value["extends"] : undefined;
  return typeof base === "string" ? profileOf(base).rules : [];
}

function casesOf(name: string): readonly ProfileCase[] {
  const loaded = loadProfileCases(read(`${name}.cases.yaml`));
  if (loaded.outcome === "refused") {
    throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
  }
  return loaded.cases;
}
