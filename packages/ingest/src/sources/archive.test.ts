import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../state/checkpoint.ts";
import type { IngestError } from "../errors.ts";
import { receive, testSource } from "../source.suite.ts";
import { archiveSource } from "./archive.ts";

testSource("archive", {
  prepare: async (lines) => {
    const folder = mkdtempSync(join(tmpdir(), "archive-"));
    const third = Math.ceil(lines.length / 3);
    const parts = [lines.slice(0, third), lines.slice(third, 2 * third), lines.slice(2 * third)].map((part) =>
      Buffer.from(part.map((line) => `${line}\n`).join("")),
    );
    const paths = ["1.log", "2.log.gz", "3.log.zst"].map((name) => join(folder, name));
    const [plain, gzip, zstd] = parts;
    writeFileSync(paths[0] ?? "", plain ?? "");
    writeFileSync(paths[1] ?? "", gzipSync(gzip ?? ""));
    writeFileSync(paths[2] ?? "", zstdCompressSync(zstd ?? ""));
    return {
      create: async () =>
        archiveSource({ name: "old", logs: paths, checkpoint: await openCheckpoint(join(folder, "checkpoint.json")) }),
      cleanUp: async () => rmSync(folder, { recursive: true }),
    };
  },
});

describe("archive", () => {
  test("reads the other files when one is missing or cut, and what is readable of that one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "archive-"));
    const cut = join(folder, "cut.gz");
    const whole = join(folder, "whole.log");
    writeFileSync(cut, gzipSync(`${"a".repeat(50)}\n${"b".repeat(50)}\n`).subarray(0, -10));
    writeFileSync(whole, "c\nunterminated");
    const errors: IngestError[] = [];
    const source = archiveSource({
      name: "old",
      logs: [join(folder, "missing"), cut, whole],
      onUnreadable: (error) => errors.push(error),
    });
    const lines = await receive(source, Infinity);
    expect(lines.map(({ text }) => text.slice(0, 12)).slice(-2)).toEqual(["c", "unterminated"]);
    expect(errors.map(({ code }) => code)).toEqual(["missing", "truncated-archive"]);
    rmSync(folder, { recursive: true });
  });
});
