import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-query-command-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SQL =
  "SELECT actor, verb, count(*) AS n FROM events WHERE code >= 400 GROUP BY ALL ORDER BY n DESC, actor, verb LIMIT 3";
const EVIL = JSON.stringify({
  kind: "Event",
  level: "Metadata",
  auditID: "=1+1",
  stage: "ResponseComplete",
  requestURI: "/version",
  verb: "get",
  user: { username: "eve\u001b[2J" },
});

describe.concurrent("auditsieve query", () => {
  test("auditsieve query takes SQL that begins with a comment, as its documentation has it", async () => {
    const sql = "-- who asked for what\nSELECT count(*) AS n FROM events";
    const { code, stdout, stderr } = await auditsieve(["query", sql, "samples/small.log", "--output", "csv"]);
    expect([code, stdout.split("\r\n")[0], stderr]).toEqual([0, "n", ""]);
  });

  test("auditsieve query prints the answer in each form", async () => {
    const [asTable, asJson, asNdjson, asCsv] = await Promise.all(
      ["table", "json", "ndjson", "csv"].map((output) =>
        auditsieve(["query", SQL, "samples/small.log", "--output", output]),
      ),
    );
    expect([asTable?.code, asTable?.stderr]).toEqual([0, "auditsieve: 3 rows\n"]);
    const rows = JSON.parse(asJson?.stdout ?? "") as { actor: string; verb: string; n: number }[];
    expect(rows.length).toBe(3);
    expect(typeof rows[0]?.n).toBe("number");
    expect(asNdjson?.stdout).toBe(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    expect(asCsv?.stdout).toBe(
      `actor,verb,n\r\n${rows.map(({ actor, verb, n }) => `${actor},${verb},${n}\r\n`).join("")}`,
    );
    expect(asTable?.stdout.split("\n")[0]).toMatch(/^actor +verb +n$/);
  });

  test("auditsieve query joins findings, and writes Parquet to the file that is named", async () => {
    const path = join(folder, "findings.parquet");
    const written = await auditsieve([
      "query",
      "SELECT f.severity, e.user_agent FROM findings f JOIN events e ON list_contains(f.audit_ids, e.audit_id)",
      "samples/small.log",
      "--parquet",
      path,
    ]);
    expect([written.code, written.stdout]).toEqual([0, ""]);
    expect(written.stderr).toMatch(/^auditsieve: \d+ rows written\n$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("auditsieve query does not call a log empty that it cannot read", async () => {
    const { code, stderr } = await auditsieve(["query", "SELECT * FROM events", "absent.log"]);
    expect([code, stderr.includes("absent.log"), stderr.includes("empty")]).toEqual([2, true, false]);
  });

  test("auditsieve query answers a wrong or hostile query with one message, before it reads a log", async () => {
    writeFileSync(join(folder, "secret.csv"), "canary\n");
    for (const sql of [
      `SELECT * FROM read_csv('${join(folder, "secret.csv")}')`,
      "SELECT x FROM events",
      "DROP VIEW events",
    ]) {
      const { code, stdout, stderr } = await auditsieve(["query", sql, "absent.log"]);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^auditsieve: Cannot run the query: .*\n {2}hint: /);
      expect(stderr).not.toMatch(/canary|absent/);
    }
  });

  test("auditsieve query prints nothing of a log that acts on a terminal or a spreadsheet", async () => {
    const sql = "SELECT actor, audit_id FROM events";
    const [asTable, asCsv] = await Promise.all(
      ["table", "csv"].map((output) => auditsieve(["query", sql, "-", "--output", output], `${EVIL}\n`)),
    );
    expect(asTable?.stdout).toContain("eve\\u001b[2J");
    expect(asCsv?.stdout).toBe(`actor,audit_id\r\neve\\u001b[2J,"'=1+1"\r\n`);
  });
});
