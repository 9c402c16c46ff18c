import { loadProfile } from "@auditsieve/policy";
import type { FoundProfile, LoadedProfile } from "@auditsieve/policy";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Failure } from "./failure.ts";
import { readText } from "./read-text.ts";
import { listShipped, readShipped } from "./shipped-files.ts";

const PROFILE_FILE = ".profile.yaml";

/** `--profile` of every command that generates a policy. */
export const PROFILE_OPTION: { readonly type: "string"; readonly default: string; readonly describe: string } = {
  type: "string",
  default: "tiered",
  describe: "A profile file, or a shipped one: cis, cost, forensic, hardened, minimal, nsa-ctr, stig, tiered",
};

/** The profile of this name or in this file, with all that it extends. */
export async function loadNamedProfile(name: string): Promise<LoadedProfile> {
  const known = await listShipped("policies", PROFILE_FILE);
  const texts = await Promise.all(known.map((one) => readShipped(`policies/${one}${PROFILE_FILE}`)));
  const shipped = new Map(known.map((one, index) => [one, { text: texts[index] ?? "", origin: one }]));
  const find = (base: string, from: string): FoundProfile | undefined =>
    shipped.get(base) ?? (isFile(base) ? readBeside(base, from) : undefined);
  const found = shipped.get(name) ?? (isFile(name) ? await readProfile(name) : undefined);
  if (found === undefined) {
    throw new Failure(`Cannot find a profile called "${name}"`, {
      hint: `Shipped profiles: ${known.join(", ")}; a file needs a dot or a slash in its name`,
    });
  }
  return loadProfile(found.text, { origin: found.origin, find });
}

function isFile(name: string): boolean {
  return /[./\\]/.test(name);
}

async function readProfile(path: string): Promise<FoundProfile> {
  return { text: await readText(path, "profile"), origin: resolve(path) };
}

/** A file that another one names: from the folder of that one. */
function readBeside(path: string, from: string): FoundProfile | undefined {
  const origin = resolve(isFile(from) ? dirname(from) : ".", path);
  try {
    return { text: readFileSync(origin, "utf8"), origin };
  } catch {
    return undefined;
  }
}
