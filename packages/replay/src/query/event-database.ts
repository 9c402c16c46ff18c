import { EventScan, isJsonObject, own } from "@auditsieve/audit";
import type { Field, JsonValue } from "@auditsieve/audit";
import type { Finding } from "@auditsieve/detect";
import type * as duckdbModule from "@duckdb/node-api";
import type {
  DuckDBAppender,
  DuckDBConnection,
  DuckDBInstance,
  DuckDBPreparedStatement,
  DuckDBResult,
} from "@duckdb/node-api";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { instantMicros } from "../lines/event-time.ts";
import type { ReplayedEvent, ReplayVisitor } from "../replayed-event.ts";
import { noPlace, QueryError, queryError } from "./query-error.ts";
import { EVENTS, FINDINGS, rowsOf, SCHEMA } from "./query-schema.ts";

type DuckDB = typeof duckdbModule;

/** A row of an answer: column names to JSON values. Times are texts, and so are integers that a number cannot hold exactly. */
export type QueryRow = Readonly<Record<string, unknown>>;

/** How an {@link EventDatabase} is opened. */
export interface EventDatabaseOptions {
  /** The only file that may be written, and beside it what takes the place of an older one: the answer as Parquet. */
  readonly parquet?: string;
}

const FLUSH_ROWS = 20_000;

interface OpenDatabase {
  readonly duckdb: DuckDB;
  readonly instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
  /** Removes all that the database wrote. */
  readonly forget: () => void;
  readonly events: DuckDBAppender;
  readonly findings: DuckDBAppender;
}

/**
 * Replayed events and findings in DuckDB, for one query. What a query says is not trusted: from the moment the tables
 * exist, the database touches no file but its own and the one that was named, loads no extension, and takes no setting.
 *
 * @example
 * const database = await EventDatabase.open();
 * const query = await database.prepare("SELECT verb, count(*) AS n FROM events GROUP BY verb");
 * await replayLogs({ logs, detections, redactor, visitors: [database] });
 * for await (const rows of query.rows()) console.log(rows);
 * await database.close();
 */
export class EventDatabase implements ReplayVisitor {
  readonly #open: OpenDatabase;
  readonly #scan = new EventScan();
  #isFilled = false;
  #attempt = 0;
  #rows = 0;

  static async open({ parquet }: EventDatabaseOptions = {}): Promise<EventDatabase> {
    const duckdb = await loadDuckDB();
    const folder = await mkdtemp(join(tmpdir(), "auditsieve-query-")).catch((error: unknown) => {
      throw noPlace(error);
    });
    const forget = (): void => rmSync(folder, { recursive: true, force: true });
    let instance: DuckDBInstance | undefined;
    try {
      instance = await duckdb.DuckDBInstance.create(join(folder, "events.duckdb"), {
        autoinstall_known_extensions: "false",
        autoload_known_extensions: "false",
        temp_directory: join(folder, "spill"),
        memory_limit: "1GB",
      });
      const connection = await instance.connect();
      for (const statement of [
        ...SCHEMA,
        `SET allowed_paths = [${parquet === undefined ? "" : [parquet, besideOf(parquet)].map(quote).join(", ")}]`,
        "SET enable_external_access = false",
        "SET lock_configuration = true",
      ]) {
        await connection.run(statement);
      }
      const events = await connection.createAppender(rowsOf(EVENTS.name));
      const findings = await connection.createAppender(rowsOf(FINDINGS.name));
      return new EventDatabase({ duckdb, instance, connection, forget, events, findings });
    } catch (error) {
      instance?.closeSync();
      forget();
      throw noPlace(error);
    }
  }

  private constructor(parts: OpenDatabase) {
    this.#open = parts;
  }

  /** Checks a query while the tables are still empty: a mistake in it is known before hours of reading. */
  async prepare(sql: string): Promise<PreparedQuery> {
    const { StatementType } = this.#open.duckdb;
    try {
      const statements = await this.#open.connection.extractStatements(sql);
      const [count, statement] = [statements.count, await statements.prepare(0)];
      if (count !== 1 || statement.statementType !== StatementType.SELECT) {
        throw new QueryError("Cannot run the query: it is not one SELECT", "One SELECT (or WITH … SELECT) at a time");
      }
      statement.destroySync();
    } catch (error) {
      throw queryError(error);
    }
    return new PreparedQuery(this, sql);
  }

  /** The answer in pieces, once all events are in. */
  async *run(sql: string): AsyncGenerator<readonly QueryRow[], void> {
    await this.#filled();
    let statement: DuckDBPreparedStatement | undefined;
    try {
      statement = await this.#open.connection.prepare(sql);
      const result = await statement.stream();
      const integers = this.#integerColumns(result);
      for await (const rows of result.yieldRowObjectJson()) {
        yield integers.length === 0 ? rows : rows.map((row) => withNumbers(row, integers));
      }
    } catch (error) {
      throw queryError(error);
    } finally {
      statement?.destroySync();
    }
  }

  /** Writes the answer to the file that was named at the opening, as Parquet; gives how many rows. */
  async writeParquet(sql: string, path: string): Promise<number> {
    await this.#filled();
    try {
      // What is one SELECT by itself cannot end the parentheses; a comment at its end ends with the line.
      const result = await this.#open.connection.run(
        `COPY (${sql.replace(/;\s*$/, "")}\n) TO ${quote(path)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      return result.rowsChanged;
    } catch (error) {
      throw queryError(error);
    }
  }

  /** Stops what is being run: it throws a {@link QueryError}. */
  interrupt(): void {
    this.#open.connection.interrupt();
  }

  /** For a process that ends at once: removes all that was written. Nothing can be asked any more. */
  abandon(): void {
    this.#open.forget();
  }

  /** Removes everything, also what could not be filled to its end. */
  async close(): Promise<void> {
    const { connection, instance, forget } = this.#open;
    try {
      await this.#filled().catch(() => {});
      connection.closeSync();
      instance.closeSync();
    } finally {
      forget();
    }
  }

  event(event: ReplayedEvent): void {
    const line = event.redactedLine();
    const scan = this.#scan;
    if (!scan.scan(line, 0, line.length)) {
      return;
    }
    const to = this.#open.events;
    to.appendInteger(this.#attempt);
    const annotations = scan.value("annotations") as JsonValue | undefined;
    this.#time(to, scan.text("stageTimestamp"));
    this.#time(to, scan.text("requestReceivedTimestamp"));
    for (const field of ["auditID", "stage", "level", "verb", "requestURI", "user.username"] as const) {
      text(to, scan.text(field));
    }
    this.#texts(to, scan.value("user.groups"));
    json(to, scan, "user.extra");
    text(to, scan.text("impersonatedUser.username"));
    this.#texts(to, scan.value("sourceIPs"));
    text(to, scan.text("userAgent"));
    text(to, scan.has("objectRef") ? (scan.text("objectRef.apiGroup") ?? "") : undefined);
    for (const field of ["resource", "subresource", "namespace", "name"] as const) {
      text(to, scan.text(`objectRef.${field}`));
    }
    integer(to, scan.code);
    text(to, annotationOf(annotations, "authorization.k8s.io/decision"));
    text(to, annotationOf(annotations, "authorization.k8s.io/reason"));
    json(to, scan, "annotations");
    json(to, scan, "requestObject");
    json(to, scan, "responseObject");
    text(to, event.log);
    to.appendBigInt(BigInt(event.offset));
    to.endRow();
    this.#flushNowAndThen(to);
  }

  finding(finding: Finding): void {
    const to = this.#open.findings;
    to.appendInteger(this.#attempt);
    this.#time(to, finding.time);
    for (const value of [finding.id, finding.detection.level, finding.detection.title, finding.detection.id]) {
      text(to, value);
    }
    this.#texts(to, finding.detection.techniques);
    text(to, finding.actor);
    text(to, finding.impersonated);
    text(to, finding.outcome);
    integer(to, finding.code);
    text(to, finding.namespace);
    text(to, finding.object);
    text(to, finding.summary);
    this.#texts(to, finding.auditIDs);
    to.endRow();
    this.#flushNowAndThen(to);
  }

  /** The rows of a replay that began anew are told from those before it by their number. */
  begin(): void {
    this.#attempt++;
  }

  /** Ends the filling. */
  async #filled(): Promise<void> {
    if (this.#isFilled) {
      return;
    }
    this.#isFilled = true;
    const { connection, events, findings } = this.#open;
    try {
      events.closeSync();
      findings.closeSync();
    } catch (error) {
      throw noPlace(error);
    }
    for (const name of this.#attempt > 1 ? [EVENTS.name, FINDINGS.name] : []) {
      await connection.run(`DELETE FROM ${rowsOf(name)} WHERE attempt <> ${this.#attempt}`);
    }
  }

  #flushNowAndThen(appender: DuckDBAppender): void {
    this.#rows++;
    if (this.#rows % FLUSH_ROWS === 0) {
      try {
        appender.flushSync();
      } catch (error) {
        throw noPlace(error);
      }
    }
  }

  #integerColumns(result: DuckDBResult): readonly string[] {
    const { BIGINT, HUGEINT, UBIGINT } = this.#open.duckdb.DuckDBTypeId;
    const wide: readonly number[] = [BIGINT, HUGEINT, UBIGINT];
    return result.deduplicatedColumnNames().filter((_, i) => wide.includes(result.columnTypeId(i)));
  }

  #time(to: DuckDBAppender, value: string | undefined): void {
    const micros = instantMicros(value ?? "");
    if (micros < 0) {
      to.appendNull();
    } else {
      to.appendTimestamp(new this.#open.duckdb.DuckDBTimestampValue(BigInt(micros)));
    }
  }

  #texts(to: DuckDBAppender, values: unknown): void {
    if (Array.isArray(values)) {
      to.appendList(
        values.filter((value) => typeof value === "string"),
        this.#open.duckdb.LIST(this.#open.duckdb.VARCHAR),
      );
    } else {
      to.appendNull();
    }
  }
}

/** A query that has been found right. */
export class PreparedQuery {
  readonly #database: EventDatabase;
  readonly sql: string;

  constructor(database: EventDatabase, sql: string) {
    this.#database = database;
    this.sql = sql;
  }

  rows(): AsyncGenerator<readonly QueryRow[], void> {
    return this.#database.run(this.sql);
  }
}

async function loadDuckDB(): Promise<DuckDB> {
  try {
    return await import("@duckdb/node-api");
  } catch (error) {
    throw new QueryError(
      "Cannot run a query: DuckDB is not installed here",
      "It is an optional dependency: npm install @duckdb/node-api (there is none for some systems)",
      { cause: error },
    );
  }
}

function withNumbers(row: QueryRow, columns: readonly string[]): QueryRow {
  const numbers = columns.flatMap((column) => {
    const number = Number(row[column]);
    return row[column] !== null && Number.isSafeInteger(number) ? [[column, number] as const] : [];
  });
  return { ...row, ...Object.fromEntries(numbers) };
}

/** DuckDB writes what takes the place of an older file under this name, and renames it when it is whole. */
function besideOf(path: string): string {
  return join(dirname(path), `tmp_${basename(path)}`);
}

function quote(path: string): string {
  return `'${path.replaceAll("'", "''")}'`;
}

function text(to: DuckDBAppender, value: string | undefined): void {
  if (value === undefined) {
    to.appendNull();
  } else {
    to.appendVarchar(value);
  }
}

function integer(to: DuckDBAppender, value: number | undefined): void {
  if (value === undefined || value > 0x7fffffff) {
    to.appendNull();
  } else {
    to.appendInteger(value);
  }
}

/** The bytes of the value as they stand in the redacted line: no number is changed by being parsed. */
function json(to: DuckDBAppender, scan: EventScan, field: Field): void {
  const raw = scan.has(field) ? scan.bytes.toString("utf8", scan.valueStart(field), scan.valueEnd(field)) : undefined;
  text(to, raw?.includes("\\u") === true ? wellFormed(raw) : raw);
}

/** Halves of surrogate pairs are no Unicode: DuckDB would refuse the whole value, and with it every query of the column. */
function wellFormed(raw: string): string {
  return raw.replaceAll(ESCAPE, (escape, pair: string | undefined) =>
    pair === undefined && /^\\u[dD][89a-fA-F]/.test(escape) ? "\\ufffd" : escape,
  );
}

const ESCAPE = /\\(?:u[dD][89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})|u[0-9a-fA-F]{4}|.)/gs;

function annotationOf(annotations: JsonValue | undefined, key: string): string | undefined {
  const value = isJsonObject(annotations) ? own(annotations, key) : undefined;
  return typeof value === "string" ? value : undefined;
}
