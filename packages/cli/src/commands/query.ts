import { createRedactor } from "@auditsieve/audit";
import { safeText } from "@auditsieve/detect";
import { csvLine, EventDatabase, QUERY_TABLES, QueryError, replayLogs } from "@auditsieve/replay";
import type { PreparedQuery, QueryRow } from "@auditsieve/replay";
import { randomBytes } from "node:crypto";
import { chmod, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Argv } from "yargs";
import { loadDetectionSet } from "../detection-set.ts";
import { SHIPPED } from "../shipped-files.ts";
import { exceptionsOption } from "../exceptions-option.ts";
import type { ExceptionsOption } from "../exceptions-option.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { LineProblems } from "../line-problems.ts";
import { sayUnreadable } from "../logs.ts";
import { checkOutputFile } from "../output-file.ts";
import { say, writeData, writeLine } from "../output.ts";
import { Progress } from "../progress.ts";
import { replayInputs } from "../replay-inputs.ts";
import { stopSignal } from "../stop-signal.ts";
import { count, table } from "../table.ts";
import { jsonText, wideJson } from "../json-text.ts";

/** Options of `query`. */
export interface QueryOptions extends ExceptionsOption {
  readonly sql: string;
  readonly logs: readonly string[];
  readonly output: "table" | "ndjson" | "json" | "csv";
  readonly parquet: string | undefined;
}

/** Adds the options of `query`. */
export function queryOptions(argv: Argv): Argv<QueryOptions> {
  return exceptionsOption(argv)
    .positional("sql", { type: "string", demandOption: true, describe: "One SELECT, in DuckDB's SQL" })
    .positional("logs", {
      type: "string",
      array: true,
      default: [] as string[],
      describe: "Audit logs and folders of them: plain, .gz, .zst, or - for standard input",
    })
    .option("output", {
      choices: ["table", "ndjson", "json", "csv"] as const,
      default: "table",
      describe: "A table for people, or rows for programs",
    })
    .option("parquet", { type: "string", describe: "Write the answer to this file as Parquet instead" })
    .example(
      "$0 query 'SELECT actor, refused FROM actors ORDER BY refused DESC LIMIT 10' audit.log",
      "who is refused most",
    )
    .example(
      "$0 query \"SELECT time, actor, request_object->'$.spec.containers[*].image' FROM events WHERE resource = 'pods' AND verb = 'create'\" audit.log",
      "images of pods that were created",
    )
    .example(
      "$0 query 'SELECT * FROM events' audit.log --parquet events.parquet",
      "all events for other tools, redacted",
    )
    .epilogue(
      `Tables and views: ${QUERY_TABLES.map(({ name, holds }) => `${name} (${holds})`).join("; ")}. Columns: docs/query.md, or SELECT * FROM … LIMIT 0. A query reads no files.`,
    ) as unknown as Argv<QueryOptions>;
}

/** Runs one SELECT over the events and findings of logs. */
export async function query(options: QueryOptions): Promise<ExitCode> {
  const stop = stopSignal();
  const progress = new Progress("read");
  try {
    return await answer(options, progress, stop.signal);
  } catch (error) {
    progress.finish();
    throw stop.signal.aborted ? new Failure(`Stopped by a signal after ${progress.done}`, WAS_STOPPED) : error;
  } finally {
    stop.release();
  }
}

const WAS_STOPPED = { hint: "Nothing was left behind; a query begins anew each time", exitCode: EXIT.failed };

async function answer(options: QueryOptions, progress: Progress, signal: AbortSignal): Promise<ExitCode> {
  const { sql, logs, output } = options;
  const parquet = options.parquet === undefined ? undefined : resolve(options.parquet);
  const database = await asFailure(EventDatabase.open(parquet === undefined ? {} : { parquet }));
  signal.addEventListener("abort", () => database.interrupt(), { once: true });
  // Whoever reads the answer may stop reading, and then the process ends at once.
  const abandon = (): void => database.abandon();
  process.once("exit", abandon);
  try {
    const prepared = await asFailure(database.prepare(sql));
    const inputs = await replayInputs(logs, progress);
    if (parquet !== undefined) {
      checkOutputFile(
        "--parquet",
        parquet,
        inputs.map(({ name }) => name),
      );
    }
    const problems = new LineProblems({ strict: false });
    let unreadable = 0;
    const { summary } = await asFailure(
      replayLogs({
        logs: inputs,
        signal,
        // A query that does not name the findings needs none.
        detections: /findings/i.test(sql) ? loadDetectionSet([SHIPPED], options.exceptions).detections : [],
        redactor: createRedactor({ key: randomBytes(32) }),
        visitors: [database],
        onSort: () => problems.beginAgain(),
        onLineAlarm: (alarm) => problems.addAlarm(alarm),
        onUnreadable: (error) => {
          sayUnreadable(error);
          unreadable++;
        },
      }),
    );
    progress.finish();
    problems.finish(summary.log.events, unreadable > 0);
    if (parquet !== undefined) {
      const rows = await forOwner(parquet, () => asFailure(database.writeParquet(sql, parquet)));
      say(`auditsieve: ${count(rows)} rows written`);
    } else {
      await print(prepared, output);
    }
    return unreadable > 0 ? EXIT.unusable : EXIT.fine;
  } finally {
    await database.close();
    process.off("exit", abandon);
  }
}

/** What is written meanwhile may be read by its owner only: events say where a cluster is weak. */
async function forOwner<T>(path: string, write: () => Promise<T>): Promise<T> {
  const before = process.umask(0o077);
  try {
    const written = await write();
    // An older file keeps the rights that it had.
    if ((await stat(path)).isFile()) {
      await chmod(path, 0o600);
    }
    return written;
  } finally {
    process.umask(before);
  }
}

async function print(prepared: PreparedQuery, output: QueryOptions["output"]): Promise<void> {
  const gathered: QueryRow[] = [];
  let isFirst = true;
  try {
    for await (const rows of prepared.rows()) {
      if (output === "table" || output === "json") {
        gathered.push(...rows);
        continue;
      }
      const [first] = rows;
      if (output === "csv" && isFirst && first !== undefined) {
        await writeData(csvLine(Object.keys(first).map((name) => safeText(name))));
      }
      isFirst = false;
      await writeData(rows.map((row) => (output === "csv" ? csvLine(cellsOf(row)) : `${jsonText(row)}\n`)).join(""));
    }
  } catch (error) {
    throw failureOf(error);
  }
  if (output === "json") {
    await writeData(`${wideJson(gathered)}\n`);
  } else if (output === "table" && gathered.length > 0) {
    const columns = Object.keys(gathered[0] ?? {}).map((name) => ({ title: safeText(name) }));
    await writeLine(table(columns, gathered.map(cellsOf)));
  }
  if (output === "table") {
    say(`auditsieve: ${count(gathered.length)} ${gathered.length === 1 ? "row" : "rows"}`);
  }
}

const MAX_CELL = 2_000;

/** What stands in a log may do nothing to a terminal or a spreadsheet. */
function cellsOf(row: QueryRow): readonly string[] {
  return Object.values(row).map((value) =>
    value === null ? "" : safeText(typeof value === "string" ? value : JSON.stringify(value), MAX_CELL),
  );
}

async function asFailure<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw failureOf(error);
  }
}

function failureOf(error: unknown): unknown {
  return error instanceof QueryError
    ? new Failure(error.message, {
        hint: error.hint,
        cause: error,
        exitCode: error.isOfDisk ? EXIT.failed : EXIT.unusable,
      })
    : error;
}
