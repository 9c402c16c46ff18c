import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { openCanonicalLog } from "./canonical-log.ts";
import { openCanonicalLogAt } from "./canonical-log-at.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-at-"));
afterAll(() => rmSync(folder, { recursive: true }));

const EVENTS = Array.from({ length: 3_000 }, (_, i) => ({
  kind: "Event",
  apiVersion: "audit.k8s.io/v1",
  level: "Metadata",
  auditID: `id-${i}`,
  stage: "ResponseComplete",
  verb: "list",
  requestURI: `/api/v1/namespaces/n${i}/pods`,
}));
const LINES = EVENTS.map((event) => `${JSON.stringify(event)}\n`).join("");
const LIST = JSON.stringify({ kind: "EventList", apiVersion: "audit.k8s.io/v1", items: EVENTS });

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) {
    text += chunk.toString("utf8");
  }
  return text;
}

describe("openCanonicalLogAt", () => {
  test.each<[string, Buffer | string]>([
    ["plain.log", LINES],
    ["packed.gz", gzipSync(LINES)],
    ["packed.zst", zstdCompressSync(LINES)],
    ["list.json", LIST],
    ["pretty.json", JSON.stringify(JSON.parse(LIST), undefined, 2)],
    ["torn.log", `{"torn":\n${LINES}{"torn":`],
    ["empty.log", ""],
  ])("openCanonicalLogAt of %s gives what stands behind any offset", async (name, content) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    const whole = Buffer.from(await textOf(openCanonicalLog(path)));
    for (const offset of [0, 1, 130, Math.floor(whole.length / 2), whole.length, whole.length + 10]) {
      expect(await textOf(openCanonicalLogAt(path, offset))).toBe(whole.toString("utf8", offset));
    }
  });

  test("openCanonicalLogAt says that a log is missing", async () => {
    await expect(textOf(openCanonicalLogAt(join(folder, "none.log"), 5))).rejects.toThrow("no such file");
  });
});
