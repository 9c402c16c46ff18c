import { parseArgs } from "node:util";
import type { FilterCommandOptions } from "./commands/filter.ts";
import { nameStandardInput } from "./standard-input.ts";

const OPTIONS = {
  policy: { type: "string" },
  summary: { type: "string" },
  findings: { type: "string" },
  redact: { type: "boolean" },
  strict: { type: "boolean" },
  verify: { type: "boolean" },
  workers: { type: "string" },
} as const;

/**
 * The options of a plain `filter` command line as yargs gives them; undefined for everything else, help and mistakes too, which are
 * left to yargs: it takes longer to start than 200 MB take to be filtered.
 */
export function filterArguments(args: readonly string[]): FilterCommandOptions | undefined {
  const [command, ...rest] = args;
  if (command !== "filter" || !rest.every(isPlain)) {
    return undefined;
  }
  const { values, positionals, tokens } = parse(nameStandardInput(rest)) ?? {};
  if (values === undefined || positionals === undefined || tokens === undefined) {
    return undefined;
  }
  const names = tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
  const workers = values.workers ?? "1";
  if (new Set(names).size < names.length || !/^[1-9][0-9]?$/.test(workers)) {
    return undefined;
  }
  const { policy, summary, findings, redact = false, strict = false, verify = false } = values;
  return {
    logs: positionals,
    policy,
    summary,
    findings,
    redact,
    strict,
    verify,
    workers: Number(workers),
    exceptions: [],
  };
}

/** Whether yargs and parseArgs read it alike: an option by its whole name, a value apart from it, or a name of something. */
function isPlain(arg: string): boolean {
  // yargs takes these two for the value of what stands before them.
  const isBoolean = arg === "true" || arg === "false";
  return !isBoolean && (arg === "-" || /^--[a-z]+$/.test(arg) || /^[\w./~+@%][^=]*$/.test(arg));
}

function parse(args: readonly string[]): ReturnType<typeof parseStrictly> | undefined {
  try {
    return parseStrictly(args);
  } catch {
    return undefined;
  }
}

// oxlint-disable-next-line typescript/explicit-function-return-type -- spelt out it is what parseArgs says anyway
function parseStrictly(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true, tokens: true });
}
