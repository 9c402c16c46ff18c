import type { AuditEvent } from "@auditsieve/audit";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { eventAt, linesOf, logOf, REDACTOR, ROOT, sample } from "../replay-fixtures.suite.ts";
import { replayLogs } from "../replay-logs.ts";
import { EventDatabase } from "./event-database.ts";
import { QueryError } from "./query-error.ts";
import type { QueryRow } from "./event-database.ts";
import { QUERY_TABLES } from "./query-schema.ts";

const folder = mkdtempSync(join(tmpdir(), "query-test-"));
afterAll(() => rmSync(folder, { recursive: true }));
const secretFile = join(folder, "secret.csv");
writeFileSync(secretFile, "canary,42\n");

async function ask(sql: string, log: string | Buffer = "", parquet?: string): Promise<QueryRow[]> {
  const database = await EventDatabase.open(parquet === undefined ? {} : { parquet });
  try {
    const query = await database.prepare(sql);
    await replayLogs({ logs: [logOf("x", log)], detections: [], redactor: REDACTOR, visitors: [database] });
    const rows: QueryRow[] = [];
    for await (const some of query.rows()) {
      rows.push(...some);
    }
    return rows;
  } finally {
    await database.close();
  }
}

describe("EventDatabase", () => {
  test("EventDatabase holds every event with its fields", async () => {
    const attack = sample("attack.log.zst");
    const events = attack
      .toString()
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as AuditEvent);
    const rows = await ask(
      "SELECT count(*) AS n, count(DISTINCT audit_id) AS ids, min(time)::VARCHAR AS first, sum((code = 403)::INTEGER) AS refused FROM events",
      attack,
    );
    expect(rows).toEqual([
      {
        n: events.length,
        ids: new Set(events.map(({ auditID }) => auditID)).size,
        first: events
          .map(({ stageTimestamp }) => stageTimestamp ?? "")
          .sort()[0]
          ?.replace("T", " ")
          .replace("Z", ""),
        refused: events.filter(({ responseStatus }) => responseStatus?.code === 403).length,
      },
    ]);
  });

  test("EventDatabase has the columns that are documented", async () => {
    for (const { name, columns } of QUERY_TABLES) {
      const rows = await ask(`SELECT column_name AS name, column_type AS type FROM (DESCRIBE ${name})`);
      expect(rows).toEqual(columns.map((column) => ({ name: column.name, type: column.type })));
    }
  });

  test("docs/query.md lists the columns", () => {
    const page = readFileSync(join(ROOT, "docs/query.md"), "utf8");
    for (const { name, holds, columns } of QUERY_TABLES) {
      const rows = columns.map((column) => `| ${column.name} | ${column.type} | ${column.holds} |\n`).join("");
      expect(page.replaceAll(/ +\|/g, " |")).toContain(`### ${name}: ${holds}\n\n| column | type | holds |\n`);
      expect(page.replaceAll(/ +\|/g, " |")).toContain(rows);
    }
  });

  test("EventDatabase makes views of actors and objects", async () => {
    const log = linesOf([
      eventAt(0, { stage: "RequestReceived", responseStatus: undefined }),
      eventAt(1000, {
        verb: "delete",
        objectRef: { resource: "pods", namespace: "shop", name: "web" },
        sourceIPs: ["1.2.3.4", "10.0.0.1"],
      }),
      eventAt(2000, { responseStatus: { code: 403 } }),
    ]);
    expect(await ask("SELECT actor, requests, refused, writes, source_ips FROM actors", log)).toEqual([
      { actor: "ann", requests: 2, refused: 1, writes: 1, source_ips: ["10.0.0.1"] },
    ]);
    expect(await ask("SELECT resource, namespace, name, writes, writers FROM objects", log)).toEqual([
      { resource: "pods", namespace: "shop", name: "web", writes: 1, writers: ["ann"] },
    ]);
  });

  test("EventDatabase holds no secret, no number changed, and what is no Unicode does not break a query", async () => {
    const secret = eventAt(0, {
      level: "Request",
      verb: "create",
      requestURI: "/api/v1/namespaces/shop/secrets",
      objectRef: { resource: "secrets", namespace: "shop", apiVersion: "v1" },
      requestObject: { kind: "Secret", data: { password: "aHVudGVyMg==" } },
    });
    const odd = JSON.stringify(eventAt(1, { requestObject: "PLACE" })).replace(
      '"PLACE"',
      String.raw`{"n":12345678901234567890123,"half":"\ud800","pair":"\ud83d\ude00","escaped":"\\ud800","nul":"a\u0000b"}`,
    );
    const rows = await ask(
      "SELECT request_object::VARCHAR AS body, request_object->>'$.pair' AS pair, request_object->>'$.escaped' AS escaped FROM events ORDER BY time",
      `${linesOf([secret])}${odd}\n`,
    );
    expect(rows[0]?.["body"]).toMatch(/redacted:[0-9a-f]{16}/);
    expect(JSON.stringify(rows)).not.toContain("aHVudGVyMg==");
    expect(rows[1]?.["body"]).toContain("12345678901234567890123");
    expect(rows[1]).toMatchObject({ pair: "\u{1f600}", escaped: "\\ud800" });
  });

  test("EventDatabase holds each event once when the replay begins anew", async () => {
    const log = linesOf([eventAt(600_000), eventAt(0), eventAt(300_000)]);
    expect(await ask("SELECT audit_id FROM events ORDER BY time", log)).toEqual(
      ["id-0", "id-300000", "id-600000"].map((id) => ({ audit_id: id })),
    );
  });

  test("EventDatabase reads and writes no file, whatever a query says", async () => {
    const database = await EventDatabase.open();
    const hostile = [
      `SELECT * FROM read_csv('${secretFile}')`,
      `SELECT * FROM read_text('${secretFile}')`,
      `SELECT * FROM read_blob('${secretFile}')`,
      `SELECT * FROM read_json('${secretFile}')`,
      `SELECT * FROM '${secretFile}'`,
      `SELECT * FROM sniff_csv('${secretFile}')`,
      `SELECT * FROM glob('${folder}/*')`,
      `SELECT (SELECT content FROM read_text('${secretFile}'))`,
      `WITH x AS (FROM read_csv('${secretFile}')) SELECT * FROM x`,
      `SELECT * FROM read_csv('https://127.0.0.1:9/x')`,
      `COPY events TO '${join(folder, "out.csv")}'`,
      `EXPORT DATABASE '${folder}'`,
      `ATTACH '${join(folder, "x.db")}'`,
      `SELECT 1; COPY events TO '${join(folder, "out.csv")}'`,
      `SET enable_external_access = true`,
      `INSTALL httpfs`,
      `LOAD httpfs`,
      `CREATE TABLE t (a INTEGER)`,
      `DROP VIEW events`,
      `DELETE FROM events_rows`,
      `SELECT nonsense FROM events`,
      `SELEC`,
      ``,
    ];
    try {
      for (const sql of hostile) {
        // Most are refused before a log is read, the rest when they run.
        const answer = await database
          .prepare(sql)
          .then((query) => query.rows().next())
          .then(
            ({ value }) => JSON.stringify(value),
            (error: unknown) => (error instanceof QueryError ? "refused" : String(error)),
          );
        expect([sql, answer]).toEqual([sql, "refused"]);
      }
    } finally {
      await database.close();
    }
    expect(existsSync(join(folder, "out.csv"))).toBe(false);
  });

  test("EventDatabase writes the answer to the one file that was named", async () => {
    const path = join(folder, "it's.parquet");
    const database = await EventDatabase.open({ parquet: path });
    try {
      const { sql } = await database.prepare("SELECT audit_id FROM events ORDER BY 1 -- a comment");
      await replayLogs({
        logs: [logOf("x", linesOf([eventAt(0)]))],
        detections: [],
        redactor: REDACTOR,
        visitors: [database],
      });
      expect(await database.writeParquet(sql, path)).toBe(1);
      // In the place of an older answer too.
      expect(await database.writeParquet(sql, path)).toBe(1);
      await expect(database.writeParquet(sql, join(folder, "other.parquet"))).rejects.toThrow(QueryError);
    } finally {
      await database.close();
    }
    expect(readFileSync(path).toString("latin1").slice(0, 4)).toBe("PAR1");
    expect(readdirSync(folder).filter((name) => name.startsWith("tmp_"))).toEqual([]);
  });
});
