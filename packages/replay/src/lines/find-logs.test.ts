import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { createStoreSink } from "@auditsieve/ingest";
import { afterAll, describe, expect, test } from "vitest";
import { findLogs } from "./find-logs.ts";
import { eventAt } from "../replay-fixtures.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "find-logs-"));
afterAll(() => rmSync(folder, { recursive: true }));

function touch(...names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), "");
  }
}

describe("findLogs", () => {
  test("findLogs searches folders, follows no links, and takes what is named whatever it is called", async () => {
    touch(
      "logs/audit.log",
      "logs/audit.log.1",
      "logs/audit-2026-11-24T00-13-26.471.log.gz",
      "logs/b/x.json",
      "logs/b/c/y.zst",
    );
    touch("logs/README.md", "logs/b/core", "odd.name");
    symlinkSync(folder, join(folder, "logs/again"));
    const named = [join(folder, "logs"), join(folder, "odd.name"), join(folder, "absent")];
    const { files, skipped, links } = await findLogs(named);
    expect(links).toEqual([join(folder, "logs/again")]);
    expect(files.map((file) => file.slice(folder.length + 1))).toEqual([
      "logs/audit-2026-11-24T00-13-26.471.log.gz",
      "logs/audit.log",
      "logs/audit.log.1",
      "logs/b/c/y.zst",
      "logs/b/x.json",
      "odd.name",
      "absent",
    ]);
    expect(skipped.map((file) => file.slice(folder.length + 1))).toEqual(["logs/README.md", "logs/b/core"]);
  });

  test("findLogs leaves what an earlier replay has found out of a folder, and names it", async () => {
    const event = JSON.stringify(eventAt(0));
    const own = join(folder, "own");
    mkdirSync(own);
    const found = {
      "findings.json": JSON.stringify({ summary: { log: { events: 1 } }, findings: [] }, undefined, 2),
      "findings.ndjson": `{"id":"ab","detection":{"id":"c","title":"d"},"events":[${event}]}\n`,
      "older.jsonl": `{"detection":{"id":"c","title":"d"},"events":[${event}]}\n`,
    };
    const logs = {
      "audit.log": `${event}\n`,
      "list.json": `{"kind":"EventList","items":[${event}]}\n`,
      "other.json": '{"detection":"none"}\n',
    };
    for (const [name, text] of Object.entries({ ...found, ...logs })) {
      writeFileSync(join(own, name), text);
    }
    const { files, findings } = await findLogs([own, join(own, "older.jsonl")]);
    expect(findings).toEqual(Object.keys(found).map((name) => join(own, name)));
    expect(files).toEqual([...Object.keys(logs), "older.jsonl"].map((name) => join(own, name)));
  });

  test("findLogs takes a file of a folder that begins with events whatever it is called, packed or wrapped", async () => {
    const event = JSON.stringify(eventAt(0));
    const export_ = `2026-11-24T00:13:26.471Z ${event}\n`;
    const entry = '{"insertId":"a","protoPayload":{"methodName":"io.k8s.core.v1.pods.create"}}\n';
    const taken = {
      "000000": gzipSync(export_),
      audit: `${event}\n`,
      "audit.bak": zstdCompressSync(event),
      dump: `{\n  "kind": "EventList",\n  "items": [${event}]\n}\n`,
      gke: entry,
    };
    const left = {
      "other.txt": `{"level":"info","msg":"no event"}\n`,
      "report.html": `<!doctype html>\n${event}\n`,
      "replay.state": `{"kind":"something else"}\n${event}\n`,
      empty: "",
      "cut.bin": gzipSync(event).subarray(0, 12),
    };
    const exports = join(folder, "exports");
    mkdirSync(exports);
    for (const [name, bytes] of Object.entries({ ...taken, ...left })) {
      writeFileSync(join(exports, name), bytes);
    }
    const { files, skipped } = await findLogs([exports]);
    expect(files).toEqual(
      Object.keys(taken)
        .toSorted()
        .map((name) => join(exports, name)),
    );
    expect(skipped).toEqual(
      Object.keys(left)
        .toSorted()
        .map((name) => join(exports, name)),
    );
  });

  test("findLogs takes a folder that cannot be searched as it is, so that reading it says why", async () => {
    const readFolder = (): Promise<never> => Promise.reject(new Error("EACCES"));
    const { files } = await findLogs([join(folder, "logs")], readFolder);
    expect(files).toEqual([join(folder, "logs")]);
  });

  test("findLogs takes the events of an embedded store, and nothing else of it", async () => {
    const store = join(folder, "state/store");
    const sink = createStoreSink({ name: "store", folder: store });
    const time = String(eventAt(0)["stageTimestamp"]);
    const document = Buffer.from(JSON.stringify(eventAt(0)));
    await sink.write(
      [
        { id: "1".repeat(32), kind: "event", document, time },
        { id: "2".repeat(32), kind: "finding", document: Buffer.from("{}"), time },
      ],
      new AbortController().signal,
    );
    await sink.close();
    const { files, missing } = await findLogs([join(folder, "state")]);
    expect(files.map((file) => file.slice(store.length + 1))).toEqual([
      expect.stringMatching(/^event-0*1\.ndjson(?:\.zst)?$/),
    ]);
    expect(missing).toEqual([]);
  });
});
