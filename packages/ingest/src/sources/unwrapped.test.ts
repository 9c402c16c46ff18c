import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openCheckpoint } from "../state/checkpoint.ts";
import type { Source } from "../source.ts";
import { receive, testSource } from "../source.suite.ts";
import { createFileTails } from "./file-tails.ts";

const envelopes: readonly (readonly [string, (line: string) => string])[] = [
  ["no envelope", (line) => `${line}\n`],
  [
    "AKS",
    (line) => `${JSON.stringify({ category: "kube-audit", operationName: "x", properties: { log: `${line}\n` } })}\n`,
  ],
  ["a CloudWatch export", (line) => `2026-11-24T00:13:26.471Z ${line}\n`],
];

for (const [name, wrap] of envelopes) {
  testSource(`file tail of a log in ${name}`, {
    prepare: async (lines) => {
      const own = mkdtempSync(join(tmpdir(), "unwrapped-"));
      writeFileSync(join(own, "audit.log"), lines.map(wrap).join(""));
      return { create: () => tailOf(own), cleanUp: async () => rmSync(own, { recursive: true }) };
    },
  });
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "unwrapped-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("unwrapped", () => {
  const [, [, aks] = ["", String]] = envelopes;

  test("follows a log of records over half a record, a rotation and a restart", async () => {
    write(aks(event(1)) + aks(event(2)).slice(0, 60));
    const first = await tailOf(folder);
    await receive(first, 1, (line) => first.ack(line.input, line.end));
    write(aks(event(2)).slice(60) + aks(event(3)));
    renameSync(join(folder, "audit.log"), join(folder, "audit-2026-11-24T00-00-01.000.log"));
    // The next file is a plain one: each tells for itself.
    write(`${event(4)}\n`);
    const second = await tailOf(folder);
    const lines = await receive(second, 3, async (line, index) => {
      if (index > 0) {
        await second.ack(line.input, line.end);
      }
    });
    expect(lines.map(({ text }) => text)).toEqual([event(2), event(3), event(4)]);
    write(`${event(5)}\n`);
    expect((await receive(await tailOf(folder), 1)).map(({ text }) => text)).toEqual([event(5)]);
  });

  test("follows a log in which envelopes and plain lines alternate, and goes on behind each of them", async () => {
    const list = (...numbers: readonly number[]): string => `{"items":[${numbers.map(event).join(",")}]}\n`;
    write(aks(event(1)) + `${event(2)}\n` + list(3, 4));
    write(`text\n2026-11-24T00:13:26.471Z ${event(5)}\n`);
    write(list(6, 7) + `${event(8)}\n` + aks(event(9)));
    const texts = [event(1), event(2), event(3), event(4), "text", ...[5, 6, 7, 8, 9].map(event)];
    for (let from = 0; from < texts.length; from++) {
      const source = await tailOf(folder);
      const lines = await receive(source, texts.length - from, async (line, index) => {
        if (index === 0) {
          await source.ack(line.input, line.end);
        }
      });
      // Offsets go on; the items of one list are acknowledged together.
      const [first] = lines;
      expect(lines.map(({ text }) => text)).toEqual(texts.slice(from));
      if (from === 2 || from === 6) {
        const again = await receive(await tailOf(folder), texts.length - from);
        expect(again.map(({ text }) => text)).toEqual(texts.slice(from));
        await source.ack(first?.input ?? "", (lines[1] as (typeof lines)[number]).end);
        from++;
      }
    }
  });

  test("gives a document of many lines again as a whole until it has ended", async () => {
    const items = [event(1), event(2), event(3)];
    write(`{\n  "kind": "EventList",\n  "items": [\n    ${items.slice(0, 2).join(",\n    ")},\n`);
    const first = await tailOf(folder);
    await receive(first, 2, (line) => first.ack(line.input, line.end));
    write(`    ${items[2]}\n  ]\n}\n`);
    const second = await tailOf(folder);
    expect((await receive(second, 3)).map(({ text }) => text)).toEqual(items);
  });
});

async function tailOf(own: string): Promise<Source> {
  return createFileTails({
    name: "audit",
    paths: [join(own, "audit.log")],
    checkpoint: await openCheckpoint(join(own, "checkpoint.json")),
    pollIntervalMs: 2,
    chunkBytes: 4096,
    takesEnvelopes: true,
  });
}

function write(text: string): void {
  appendFileSync(join(folder, "audit.log"), text);
}

function event(number: number): string {
  return `{"level":"Metadata","auditID":"id-${number}","stage":"ResponseComplete","requestURI":"/","verb":"get","user":{"username":"jane"}}`;
}
