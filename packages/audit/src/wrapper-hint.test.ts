import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { EventScan } from "./scan.ts";
import { wrapperHint, WrapperHints } from "./wrapper-hint.ts";

const EVENT = {
  kind: "Event",
  apiVersion: "audit.k8s.io/v1",
  level: "Metadata",
  auditID: "1",
  stage: "ResponseComplete",
  requestURI: "/version",
  verb: "get",
  user: { username: "jane" },
};
const LINE = JSON.stringify(EVENT);

function undecidable(line: string): EventScan {
  const bytes = Buffer.from(`before\n${line}\nbehind`);
  const scan = new EventScan();
  expect(scan.scan(bytes, 7, bytes.length - 7)).toBe(false);
  return scan;
}

function hint(line: unknown): string | undefined {
  return wrapperHint(undecidable(typeof line === "string" ? line : JSON.stringify(line)));
}

describe("wrapperHint", () => {
  test.each<[string, unknown, string]>([
    [
      "a finding of ours",
      { id: "1", detection: { id: "2" }, auditIDs: ["1"], events: [EVENT] },
      "the log that it was found in",
    ],
    ["Elasticsearch's hits", { _index: "a", _source: EVENT }, "jq -c '._source'"],
    [
      "Elasticsearch's answer",
      { hits: { total: { value: 2 }, hits: [{ _source: EVENT }] } },
      "jq -c '.hits.hits[]._source'",
    ],
    ["Elastic's documents", { "@timestamp": "t", kubernetes: { audit: EVENT } }, "jq -c '.kubernetes.audit'"],
    ["Docker's json-file", { log: `${LINE}\n`, stream: "stdout", time: "t" }, "jq -j '.log'"],
    ["a part of a line in Docker's json-file", { log: LINE.slice(0, 100), stream: "stdout" }, "jq -j '.log'"],
    ["journald as JSON", { MESSAGE: LINE, _HOSTNAME: "cp1" }, "jq -r '.MESSAGE'"],
    ["Filebeat and Vector", { "@timestamp": "t", "@metadata": {}, message: LINE }, "jq -r '.message'"],
    ["Splunk's export", { preview: false, result: { _raw: LINE, _time: "t" } }, "jq -r '.result._raw'"],
    ["Splunk's HTTP event collector", { time: 1, event: EVENT }, "jq -c '.event'"],
    [
      "Loki's answer",
      {
        data: {
          result: [
            {
              values: [
                ["1", LINE],
                ["2", LINE],
              ],
            },
          ],
        },
      },
      "jq -r '.data.result[].values[][1]'",
    ],
    ["logcli", { labels: {}, line: LINE, timestamp: "t" }, "jq -r '.line'"],
    ["Datadog", { id: "x", content: { attributes: EVENT } }, "jq -c '.content.attributes'"],
    ["keys that need quotes", { "@event-1": EVENT }, "jq -c '.[\"@event-1\"]'"],
    ["strings", JSON.stringify(LINE), "jq -r '.'"],
    ["lines of a container runtime", `2026-11-24T00:12:19.858495123Z stdout F ${LINE}`, "awk '{f=$3;"],
    ["a part of a line of one", `2026-11-24T00:12:19.858495123Z stdout P ${LINE.slice(0, 60)}`, "awk '{f=$3;"],
    ["kubectl logs --prefix", `[pod/kube-apiserver-cp1/kube-apiserver] ${LINE}`, "sed 's/^[^{]*//'"],
    ["syslog", `<134>1 2026-11-24T00:12:19Z cp1 kube-apiserver 812 - - ${LINE}`, "sed 's/^[^{]*//'"],
    ["a record separator", `\u001E${LINE}`, "tr -d '\\036'"],
    ["colours of grep", LINE.replace("Event", "\u001B[01;31m\u001B[KEvent\u001B[m\u001B[K"), "sed 's/\\x1b"],
    ["colours of jq", `\u001B[1;39m{\u001B[0m${LINE.slice(1)}`, "sed 's/\\x1b"],
    ["lines of a list", `${LINE},`, "sed 's/,$//'"],
    ["a table", `2026-11-24,"${LINE.replaceAll('"', '""')}",cp1`, "python3 -c"],
    ["an archive in base64", "H4sIAAAAAAAAA3VRXW", "base64 -d"],
    ["a web page", "<!doctype html><html>", "sign in"],
  ])("wrapperHint names what unwraps %s", (_what, line, command) => {
    expect(hint(line)).toContain(command);
  });

  test.each<[string, unknown]>([
    ["a torn event", LINE.slice(0, 100)],
    ["one that is torn behind a comma", LINE.slice(0, LINE.indexOf("},") + 2)],
    ["an event that misses a field", LINE.replace('"level":"Metadata",', "")],
    ["such a one with events in its body", { ...EVENT, level: 5, requestObject: { a: EVENT, message: LINE } }],
    ["NUL of a crash and an event", `\0\0\0${LINE}`],
    ["a torn event and an event", `${LINE.slice(0, 100)}${LINE}`],
    ["keys that no command should have", { "x' ; reboot #": EVENT, "a\nb": LINE, ["y".repeat(99)]: EVENT }],
    ["the log of another program", { ts: 1, msg: "started" }],
    ["text", "I1124 00:13:26.471919 1 controller.go:615] started"],
  ])("wrapperHint says nothing of %s", (_what, line) => {
    expect(hint(line)).toBeUndefined();
  });

  test("wrapperHint names an archive that stands among the lines, and WrapperHints do however many lines were told of", () => {
    for (const [format, magic] of [
      ["gzip", [0x1f, 0x8b, 8, 0]],
      ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
    ] as const) {
      const line = Buffer.concat([Buffer.from(LINE.slice(0, 50)), Buffer.from(magic), Buffer.alloc(9, 200)]);
      const scan = new EventScan();
      expect(scan.scan(line, 0, line.length)).toBe(false);
      expect(wrapperHint(scan)).toMatch(new RegExp(`^An archive \\(${format}\\) stands among the lines.*tail -c`));
      const hints = new WrapperHints();
      expect(Array.from({ length: 20 }, () => hints.next(scan))).not.toContain(undefined);
    }
  });

  test("wrapperHint is done with a document that is made of documents", () => {
    expect(hint(`${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`)).toBeUndefined();
    expect(hint({ list: Array.from({ length: 100_000 }, () => ({})) })).toBeUndefined();
  });

  test("wrapperHint of a document of millions of values takes no more room than they do", async () => {
    const code = `
      const { parentPort, workerData } = require("node:worker_threads");
      import(workerData).then(({ wrapperHint }) => {
        const bytes = Buffer.from('{"a":[' + "0,".repeat(2000000) + "0]}");
        parentPort.postMessage(wrapperHint({ bytes, start: 0, end: bytes.length }) ?? "no hint");
      });`;
    const worker = new Worker(code, {
      eval: true,
      workerData: new URL("wrapper-hint.ts", import.meta.url).href,
      resourceLimits: { maxOldGenerationSizeMb: 96 },
    });
    const [said] = await Promise.race([once(worker, "message"), once(worker, "error")]);
    await worker.terminate();
    expect(said).toBe("no hint");
  });
});

test("WrapperHints are given of the first few lines", () => {
  const hints = new WrapperHints();
  const given = Array.from({ length: 20 }, () => hints.next(undecidable(JSON.stringify({ event: EVENT }))));
  expect(given.filter((each) => each !== undefined).length).toBe(8);
});

test("wrapperHint parses no line of over 256 KiB, which may be deep enough to take hundreds of MB", () => {
  const wrapped = (bytes: number): string => JSON.stringify({ event: EVENT, more: "x".repeat(bytes) });
  expect(wrapperHint(undecidable(wrapped(200 * 1024)))).toContain("jq -c '.event'");
  expect(wrapperHint(undecidable(wrapped(256 * 1024)))).toBeUndefined();
});
