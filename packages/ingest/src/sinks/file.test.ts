import * as nodeFiles from "node:fs/promises";
import { appendFile, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sampleDelivery, testSink } from "../sink.suite.ts";
import { createFileSink } from "./file.ts";
import { NdjsonFile } from "../logs/ndjson-file.ts";

testSink("file sink", {
  prepare: async () => {
    const own = await mkdtemp(join(tmpdir(), "file-sink-"));
    return {
      create: () => createFileSink({ name: "archive", folder: own }),
      stored: async () => {
        const texts = await Promise.all((await readdir(own)).map((name) => readFile(join(own, name), "utf8")));
        return texts.flatMap((text) => text.split("\n").filter((line) => line !== ""));
      },
      isIdempotent: false,
      cleanUp: () => rm(own, { recursive: true }),
    };
  },
});

const signal = new AbortController().signal;
let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ndjson-"));
  path = join(folder, "events.ndjson");
});
afterEach(() => rm(folder, { recursive: true }));

describe("file sink", () => {
  test("rotates by size and never inside a line", async () => {
    const sink = createFileSink({ name: "archive", folder, maxFileBytes: 2000 });
    for (let i = 0; i < 40; i++) {
      await sink.write([sampleDelivery(i, "event", 100)], signal);
    }
    await sink.close();
    const names = await readdir(folder);
    expect(names.length).toBeGreaterThan(3);
    const lines = (await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")))).join("").split("\n");
    expect(
      lines
        .filter((line) => line !== "")
        .map((line) => (JSON.parse(line) as { auditID: string }).auditID)
        .toSorted(),
    ).toEqual(Array.from({ length: 40 }, (_, i) => `id-${i}`).toSorted());
  });
});

describe("file sink with compression", () => {
  test("rotates by age and size and compresses what is rotated, also what a crash left", async () => {
    await writeFile(join(folder, "events-2026-11-24T00-13-26.471-6.ndjson"), '{"a":1}\n');
    const sink = createFileSink({ name: "archive", folder, maxFileAgeMs: 1, compress: "zstd" });
    for (let i = 0; i < 3; i++) {
      await sink.write([sampleDelivery(i)], signal);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await sink.close();
    const archives = (await readdir(folder)).filter((name) => name.endsWith(".zst")).toSorted();
    expect(archives.length).toBeGreaterThanOrEqual(2);
    expect(await readdir(folder)).not.toContain("events-2026-11-24T00-13-26.471-6.ndjson");
    const texts = await Promise.all(
      (await readdir(folder)).map(async (name) => {
        const bytes = await readFile(join(folder, name));
        return (name.endsWith(".zst") ? zstdDecompressSync(bytes) : bytes).toString();
      }),
    );
    expect(texts.join("").trim().split("\n")).toHaveLength(4);
  });
});

describe("NdjsonFile", () => {
  test.each([
    ["", ""],
    ["whole\n", "whole\n"],
    ["whole\ntorn", "whole\n"],
    ["torn", ""],
    [`whole\n${"x".repeat(200_000)}`, "whole\n"],
  ])("cuts what a crash tore off (%#)", async (before, kept) => {
    await appendFile(path, before);
    const file = new NdjsonFile({ path });
    await file.append([Buffer.from("next")]);
    await file.close();
    expect(await readFile(path, "utf8")).toBe(`${kept}next\n`);
  });

  test("a clock that stands still or is set back overwrites no file that was rotated, packed or not", async () => {
    const now = (): Date => new Date("2026-11-24T00:13:26.471Z");
    await writeFile(join(folder, "events-2026-11-24T00-13-26.471-2-2.ndjson.zst"), "packed");
    const file = new NdjsonFile({ path: join(folder, "events.ndjson"), maxBytes: 2, now });
    for (const line of ["a", "b", "c"]) {
      await file.append([Buffer.from(line)]);
    }
    await file.close();
    const names = (await readdir(folder)).filter((name) => name.endsWith(".ndjson")).toSorted();
    expect(await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")))).toEqual(["b\n", "c\n", "a\n"]);
  });

  test("a full disk costs no half line: the write fails, the next one goes on", async () => {
    let full = true;
    const files = {
      ...nodeFiles,
      open: async (...args: Parameters<typeof nodeFiles.open>) => {
        const handle = await nodeFiles.open(...args);
        const write = handle.write.bind(handle) as (
          ...given: unknown[]
        ) => Promise<{ bytesWritten: number; buffer: Buffer }>;
        handle.write = (async (buffer: Buffer, offset: number, length: number, position: number) => {
          if (!full) {
            return write(buffer, offset, length, position);
          }
          await write(buffer, offset, 3, position);
          throw new Error("ENOSPC: no space left on device");
        }) as typeof handle.write;
        return handle;
      },
    };
    const file = new NdjsonFile({ path, files });
    await expect(file.append([Buffer.from("one")])).rejects.toMatchObject({ code: "sink-write", path, hint: /space/ });
    full = false;
    await file.append([Buffer.from("one")]);
    await file.close();
    expect(await readFile(path, "utf8")).toBe("one\n");
  });

  test("writes nothing through a link that somebody has put in its place, whether its file is there or not", async () => {
    const victim = `${path}.victim`;
    await symlink(victim, path);
    const append = (): Promise<void> => new NdjsonFile({ path }).append([Buffer.from("one")]);
    await expect(append()).rejects.toMatchObject({ code: "sink-write" });
    await writeFile(victim, "precious");
    await expect(append()).rejects.toMatchObject({ code: "sink-write" });
    expect(await readFile(victim, "utf8")).toBe("precious");
  });

  test("an append in the very step in which the last one is settled is not overlooked", async () => {
    const file = new NdjsonFile({ path });
    for (let line = 0; line < 5; line++) {
      await file.append([Buffer.from(String(line))]);
    }
    await file.close();
    expect(await readFile(path, "utf8")).toBe("0\n1\n2\n3\n4\n");
  }, 10_000);

  test("appends that wait together share a sync and keep their order", async () => {
    const file = new NdjsonFile({ path });
    await Promise.all(Array.from({ length: 500 }, (_, i) => file.append([Buffer.from(String(i))])));
    await file.close();
    expect((await readFile(path, "utf8")).trim().split("\n").map(Number)).toEqual(
      Array.from({ length: 500 }, (_, i) => i),
    );
    await expect(file.append([Buffer.from("late")])).rejects.toThrow("closed");
  });
});
