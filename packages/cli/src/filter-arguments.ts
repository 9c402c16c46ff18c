import type { FilterCommandOptions } from "./commands/filter.ts";
import { plainArguments } from "./plain-arguments.ts";
import type { PlainOptions } from "./plain-arguments.ts";

const OPTIONS: PlainOptions = {
  policy: { type: "string" },
  summary: { type: "string" },
  findings: { type: "string" },
  redact: { type: "boolean" },
  strict: { type: "boolean" },
  verify: { type: "boolean" },
  workers: { type: "string" },
};

/** The options of a plain `filter` command line as yargs gives them; undefined for everything else. */
export function filterArguments(args: readonly string[]): FilterCommandOptions | undefined {
  const plain = plainArguments("filter", args, OPTIONS);
  const workers = plain?.text("workers") ?? "1";
  if (plain === undefined || !/^[1-9][0-9]?$/.test(workers)) {
    return undefined;
  }
  const { text, has, positionals } = plain;
  return {
    logs: positionals,
    policy: text("policy"),
    summary: text("summary"),
    findings: text("findings"),
    redact: has("redact"),
    strict: has("strict"),
    verify: has("verify"),
    workers: Number(workers),
    exceptions: [],
  };
}
