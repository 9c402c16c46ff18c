import type { ReplayCommandOptions } from "./commands/replay-options.ts";
import { plainArguments } from "./plain-arguments.ts";
import type { PlainOptions } from "./plain-arguments.ts";
import { SHIPPED } from "./shipped-files.ts";

const OPTIONS: PlainOptions = {
  since: { type: "string" },
  until: { type: "string" },
  zone: { type: "string" },
  strict: { type: "boolean" },
  output: { type: "string" },
  seal: { type: "string" },
  html: { type: "string" },
  stories: { type: "boolean" },
  "state-folder": { type: "string" },
  threads: { type: "string" },
};
const OUTPUTS = ["table", "json", "ndjson"] as const;
const THREADS = [1, 2] as const;

/** The options of a plain `replay` command line as yargs gives them; undefined for everything else. */
export function replayArguments(args: readonly string[]): ReplayCommandOptions | undefined {
  const plain = plainArguments("replay", args, OPTIONS);
  if (plain === undefined) {
    return undefined;
  }
  const { text, has, positionals } = plain;
  const given = text("threads");
  const output = OUTPUTS.find((each) => each === (text("output") ?? "table"));
  const threads = THREADS.find((each) => String(each) === given);
  if (output === undefined || (threads === undefined && given !== undefined)) {
    return undefined;
  }
  return {
    logs: positionals,
    since: text("since"),
    until: text("until"),
    zone: text("zone") ?? "utc",
    actor: undefined,
    resource: undefined,
    namespace: undefined,
    sourceIp: undefined,
    userAgent: undefined,
    detection: undefined,
    minLevel: undefined,
    failOn: undefined,
    strict: has("strict"),
    output,
    detections: [SHIPPED],
    exceptions: [],
    compare: undefined,
    comparePolicy: undefined,
    seal: text("seal"),
    config: undefined,
    sink: undefined,
    html: text("html"),
    stories: has("stories"),
    stateFolder: text("state-folder"),
    history: undefined,
    credential: undefined,
    threads,
  };
}
