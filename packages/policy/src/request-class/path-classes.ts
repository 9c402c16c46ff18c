import { requestInfo } from "@auditsieve/audit";
import { pathMatches } from "../evaluate.ts";

/**
 * Paths of URLs, one for each way in which these specs can match or not: each spec that is a path itself, what begins
 * with a prefix but with no longer one, and what begins with none. A class that holds a URL of no resource is
 * represented by one.
 */
export function pathRepresentatives(specs: readonly string[]): readonly string[] {
  const prefixes = new Set(["", ...specs.filter((spec) => spec.endsWith("*")).map((spec) => spec.replace(/\*+$/, ""))]);
  const exact = new Set(specs.filter((spec) => !spec.endsWith("*")));
  const longest = (path: string): number =>
    Math.max(...[...prefixes].filter((prefix) => path.startsWith(prefix)).map(({ length }) => length));
  const generic = [...prefixes].map((prefix) => {
    const stem = prefix === "" && !prefixes.has("/") ? "/" : prefix;
    const candidates = prefix === "" ? ["/version"] : [prefix, `${prefix}/`, `${prefix}x`];
    const fits = [...candidates, `${stem}${freshCharacter(stem, specs)}`].filter(
      (path) => !exact.has(path) && longest(path) === prefix.length,
    );
    return fits.find(isUrlOfNoResource) ?? fits[0] ?? prefix;
  });
  return [...generic, ...exact];
}

/** Whether a request with this path can be one for no resource. */
function isUrlOfNoResource(path: string): boolean {
  return path.startsWith("/") && !requestInfo(encodePath(path), "get").isResourceRequest;
}

/** What needs no encoding: nearly everything, and looked at for each class of requests. */
const PLAIN = /^[\w./:-]*$/;

/** A path as it stands in a request line. */
export function encodePath(path: string): string {
  if (PLAIN.test(path)) {
    return path;
  }
  return encodeURI(path.toWellFormed()).replaceAll(/[?#]/g, (mark) => (mark === "?" ? "%3F" : "%23"));
}

/** The specs of URLs that all paths of both match, as one: undefined where there is none. */
export function intersectSpecs(a: string, b: string): string | undefined {
  if (b.endsWith("*") && pathMatches(a.replace(/\*+$/, ""), b)) {
    return a;
  }
  if (a.endsWith("*")) {
    return pathMatches(b.replace(/\*+$/, ""), a) ? b : undefined;
  }
  return a === b ? a : undefined;
}

/** A character after which no spec goes on. */
function freshCharacter(prefix: string, specs: readonly string[]): string {
  for (let code = "a".charCodeAt(0); ; code++) {
    const character = String.fromCharCode(code);
    if (character !== "*" && !specs.some((spec) => spec.startsWith(prefix + character))) {
      return character;
    }
  }
}
