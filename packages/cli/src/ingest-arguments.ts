import type { IngestOptions } from "./commands/ingest.ts";
import { plainArguments } from "./plain-arguments.ts";
import type { PlainOptions } from "./plain-arguments.ts";

const OPTIONS: PlainOptions = {
  config: { type: "string", short: "c" },
  check: { type: "boolean" },
  redeliver: { type: "boolean" },
  prime: { type: "boolean" },
  "no-follow": { type: "boolean" },
  output: { type: "string" },
  store: { type: "string" },
  "state-folder": { type: "string" },
  "log-level": { type: "string" },
};
const OUTPUTS = ["table", "ndjson"] as const;
const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** The options of a plain `ingest` command line as yargs gives them; undefined for everything else. */
export function ingestArguments(args: readonly string[]): IngestOptions | undefined {
  const plain = plainArguments("ingest", args, OPTIONS);
  if (plain === undefined) {
    return undefined;
  }
  const { text, has, positionals } = plain;
  const given = text("log-level");
  const output = OUTPUTS.find((each) => each === (text("output") ?? "table"));
  const logLevel = LOG_LEVELS.find((each) => each === given);
  if (output === undefined || logLevel !== given) {
    return undefined;
  }
  return {
    files: positionals,
    config: text("config"),
    check: has("check"),
    redeliver: has("redeliver"),
    prime: has("prime"),
    openQuarantine: undefined,
    openDeadLetters: undefined,
    privateKey: undefined,
    follow: !has("no-follow"),
    output,
    minLevel: undefined,
    store: text("store"),
    stateFolder: text("state-folder"),
    logLevel,
    watchFiles: undefined,
    exceptions: [],
  };
}
