import { isJsonObject, readYaml } from "@auditsieve/audit";
import type { Problem, YamlDocument } from "@auditsieve/audit";
import { checkReferences } from "./check-references.ts";
import { extendProfile } from "./extend-profile.ts";
import type { Profile, ProfileExtension } from "./profile.ts";
import { extensionShape, profileShape } from "./profile-shape.ts";
import { checkShape } from "./shape.ts";

/** What {@link loadProfile} gives. */
export type LoadedProfile =
  | { readonly outcome: "loaded"; readonly profile: Profile }
  | { readonly outcome: "refused"; readonly problems: readonly Problem[] };

/** A profile that another one extends. */
export interface FoundProfile {
  readonly text: string;
  /** Tells it from all others, such as its path. */
  readonly origin: string;
}

/** What {@link loadProfile} takes beside the text. */
export interface LoadProfileOptions {
  /** Where the text comes from, as `find` names it. */
  readonly origin?: string;
  /** Finds what a profile from `origin` extends. */
  readonly find?: (name: string, origin: string) => FoundProfile | undefined;
}

/**
 * Reads a profile from its YAML text; one that extends another is loaded with all that it extends.
 *
 * @example
 * const base = `
 * name: all
 * summary: Metadata for everything
 * parameters: {}
 * notices: []
 * rules:
 *   - { id: all, reason: nothing is missed, source: none, level: Metadata }`;
 * assert.equal(loadProfile(base).outcome, "loaded");
 *
 * const own = `
 * name: own
 * summary: Without watches
 * extends: all
 * changes:
 *   - before: all
 *     insert: [{ id: watches, reason: they are noise here, source: measured, level: None, verbs: [watch] }]`;
 * const loaded = loadProfile(own, { find: (name) => ({ text: base, origin: name }) });
 * assert.ok(loaded.outcome === "loaded");
 * assert.deepEqual(loaded.profile.rules.map(({ id }) => id), ["watches", "all"]);
 */
export function loadProfile(source: string, options: LoadProfileOptions = {}): LoadedProfile {
  return load({ text: source, origin: options.origin ?? "" }, options, []);
}

function load(source: FoundProfile, options: LoadProfileOptions, chain: readonly string[]): LoadedProfile {
  const { documents, problems } = readYaml(source.text);
  const [document] = documents;
  if (problems.length > 0 || document === undefined) {
    return { outcome: "refused", problems: problems.length > 0 ? problems : [emptyFile] };
  }
  const isExtension = isJsonObject(document.value) && Object.hasOwn(document.value, "extends");
  const shapeProblems = checkShape(document, isExtension ? extensionShape : profileShape, "profile-shape");
  if (shapeProblems.length > 0) {
    return { outcome: "refused", problems: shapeProblems };
  }
  const loaded = isExtension
    ? loadExtension(document, source, options, chain)
    : { outcome: "loaded" as const, profile: document.value as unknown as Profile };
  if (loaded.outcome === "refused") {
    return loaded;
  }
  const references = checkReferences(loaded.profile, document);
  return references.length > 0 ? { outcome: "refused", problems: references } : loaded;
}

function loadExtension(
  document: YamlDocument,
  { origin }: FoundProfile,
  options: LoadProfileOptions,
  chain: readonly string[],
): LoadedProfile {
  const extension = document.value as unknown as ProfileExtension;
  const { name, extends: baseName } = extension;
  const refuse = (id: string, why: string, hint: string): LoadedProfile => ({
    outcome: "refused",
    problems: [
      {
        id,
        severity: "error",
        path: "extends",
        ...document.locate(["extends"]),
        message: `Cannot extend "${baseName}": ${why}`,
        hint,
      },
    ],
  });
  const found = options.find?.(baseName, origin);
  if (found === undefined) {
    return refuse(
      "profile-base",
      "there is no such profile",
      "Use the name of a shipped profile, or a file beside this one",
    );
  }
  const way = [...chain, origin];
  if (way.includes(found.origin)) {
    const circle = [...way.slice(way.indexOf(found.origin)), found.origin].join(" -> ");
    return refuse("profile-cycle", `it extends this one in turn (${circle})`, "Let one of them stand alone");
  }
  const base = load(found, options, way);
  if (base.outcome === "refused") {
    return { outcome: "refused", problems: base.problems.map((problem) => inBase(problem, baseName, name)) };
  }
  return extendProfile(base.profile, extension, document);
}

/** The problem is in another file than the one that is asked for. */
function inBase({ line, column: _column, ...problem }: Problem, base: string, name: string): Problem {
  const place = line === undefined ? "" : `, line ${line}`;
  return { ...problem, message: `Cannot load "${base}", which ${name} extends${place}: ${problem.message}` };
}

const emptyFile: Problem = {
  id: "profile-empty",
  severity: "error",
  message: "Cannot read the profile: the file is empty",
};
