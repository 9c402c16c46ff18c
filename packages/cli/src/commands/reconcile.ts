import { safeText } from "@auditsieve/detect/safe-text";
import { reconcile as reconcileAll } from "@auditsieve/ingest";
import type { Discrepancy, Reconciliation } from "@auditsieve/ingest";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { loadConfig } from "../load-config.ts";
import { say, writeLine } from "../output.ts";
import { count, paint, table } from "../table.ts";
import { wideJson } from "../json-text.ts";

/** Options of `reconcile`. */
export interface ReconcileCommandOptions {
  readonly config: string;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly output: "table" | "json";
}

/** Adds the options of `reconcile`. */
export function reconcileOptions(argv: Argv): Argv<ReconcileCommandOptions> {
  return argv
    .option("config", {
      alias: "c",
      type: "string",
      default: "auditsieve.yaml",
      describe: "The configuration that the daemon ran with",
    })
    .option("since", { type: "string", describe: "Only lines of this time or later (RFC 3339)" })
    .option("until", { type: "string", describe: "Only lines before this time (RFC 3339)" })
    .option("output", { choices: ["table", "json"] as const, default: "table", describe: "For people or for programs" })
    .example("$0 reconcile -c auditsieve.yaml", "read all logs and sinks again and compare")
    .example("$0 reconcile -c auditsieve.yaml --since 2026-11-24T00:00:00Z", "without what was before the daemon")
    .epilogue(
      "Exit 0: every acknowledged line is stored, dropped by a rule with a receipt, or in the dead letter, once; 1: it is not, and each is named; 2: something cannot be read.",
    ) as unknown as Argv<ReconcileCommandOptions>;
}

/** Proves conservation from the inputs, the sinks, the dead letters and the checkpoint's position. */
export async function reconcile(options: ReconcileCommandOptions): Promise<ExitCode> {
  const since = instantOf("since", options.since);
  const until = instantOf("until", options.until);
  const config = await loadConfig(options.config);
  if (config === undefined) {
    return EXIT.unusable;
  }
  const result = await reconcileAll(config, {
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  });
  if (options.output === "json") {
    await writeLine(wideJson(result));
  } else {
    await print(result);
  }
  return result.discrepancies.some(({ severity }) => severity === "error") ? EXIT.problems : EXIT.fine;
}

/** More of one kind at one sink are counted: a crash may repeat thousands of lines in a file. */
const MOST_ALIKE = 20;
const COUNTS = ["lines", "stored", "dropped", "dead letters", "pending", "missing", "without input"];

async function print({ sinks, discrepancies, notChecked }: Reconciliation): Promise<void> {
  await writeLine(
    table(
      [{ title: "sink" }, ...COUNTS.map((title) => ({ title, align: "right" as const }))],
      sinks.map((one) => [
        one.sink,
        ...[one.lines, one.stored, one.dropped, one.deadLettered, one.pending, one.missing, one.withoutInput].map(
          count,
        ),
      ]),
    ),
  );
  for (const { sink, earlier } of sinks.filter((one) => one.earlier > 0)) {
    await writeLine(
      `${sink}: ${count(earlier)} ${earlier === 1 ? "line is" : "lines are"} from before this sink was there, or got what it gets now: not asked for`,
    );
  }
  for (const { sink, salvaged } of sinks) {
    const { stored, deadLettered, pending, missing } = salvaged;
    const events = stored + deadLettered + pending + missing;
    if (events > 0) {
      const parts = `stored ${count(stored)}, dead letters ${count(deadLettered)}, pending ${count(pending)}, missing ${count(missing)}`;
      await writeLine(`${sink}: besides the lines, ${count(events)} whole events in lines that are none: ${parts}`);
    }
  }
  const like = Map.groupBy(
    discrepancies,
    ({ severity, sink, kind }) => `${sink}: ${severity === "error" ? "" : "warning: "}${kind}`,
  );
  for (const [what, all] of like) {
    for (const one of all.slice(0, MOST_ALIKE)) {
      await writeLine(lineOf(one));
    }
    if (all.length > MOST_ALIKE) {
      await writeLine(safeText(`${what}: ${count(all.length - MOST_ALIKE)} more; --output json names each`, 2_000));
    }
  }
  notChecked.forEach((text) => say(`auditsieve: not checked: ${safeText(text, 500)}`));
  const errors = discrepancies.filter(({ severity }) => severity === "error").length;
  say(
    errors === 0
      ? "auditsieve: everything acknowledged is accounted for"
      : `auditsieve: ${count(errors)} ${errors === 1 ? "thing does" : "things do"} not add up`,
  );
}

function lineOf({ kind, severity, sink, source, file, offset, id, message }: Discrepancy): string {
  const where = `${source === undefined ? "" : `${source}: `}${file}:${offset}`;
  const what = `${sink}: ${kind}: ${message}${id === undefined ? "" : ` (id ${id})`}`;
  return `${safeText(where, 2_000)}: ${paint(severity === "error" ? "red" : "yellow", severity)}: ${safeText(what, 2_000)}`;
}

function instantOf(name: string, text: string | undefined): string | undefined {
  if (text !== undefined && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(text)) {
    throw new Failure(`Cannot run: --${name} is no time: "${text}"`, { hint: "Write it as 2026-11-24T00:00:00Z" });
  }
  return text;
}
