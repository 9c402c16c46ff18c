import { YamlFault } from "./problem.ts";
import type { Token } from "./token.ts";

const DEFAULT_TAGS: ReadonlyMap<string, string> = new Map([
  ["!", "!"],
  ["!!", "tag:yaml.org,2002:"],
]);

/** What stands before a document: the version of YAML, and what the handles of its tags mean. */
export class Directives {
  #hasVersion = false;
  readonly #tags = new Map<string, string>();

  /** @throws YamlFault in go-yaml's words. */
  take(directive: Token): void {
    if (directive.type === "tag-directive") {
      this.#define(directive);
    } else if (this.#hasVersion) {
      throw new YamlFault("found duplicate %YAML directive", "parser", directive.start);
    } else if (directive.suffix !== "1.1") {
      throw new YamlFault("found incompatible YAML document", "parser", directive.start);
    } else {
      this.#hasVersion = true;
    }
  }

  /** The tag that a token writes with a handle, or without one in whole. */
  longTag({ value, suffix, start }: Token): string {
    const prefix = value === "" ? "" : (this.#tags.get(value) ?? DEFAULT_TAGS.get(value));
    if (prefix === undefined || (value !== "" && prefix + suffix === "")) {
      throw new YamlFault("found undefined tag handle", "parser", start);
    }
    return prefix + suffix;
  }

  #define({ value, suffix, start }: Token): void {
    if (this.#tags.has(value)) {
      throw new YamlFault("found duplicate %TAG directive", "parser", start);
    }
    this.#tags.set(value, suffix);
  }
}
