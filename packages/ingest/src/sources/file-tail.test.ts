import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openCheckpoint } from "../state/checkpoint.ts";
import type { Source, SourceAlarm } from "../source.ts";
import { receive, testSource } from "../source.suite.ts";
import { createFileTail } from "./file-tail.ts";
import { tailModel } from "./file-tail.suite.ts";

let folder: string;
let log: string;
let alarms: SourceAlarm[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tail-"));
  log = join(folder, "audit.log");
  alarms = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

testSource("file tail", {
  prepare: async (lines) => {
    const own = mkdtempSync(join(tmpdir(), "tail-suite-"));
    writeFileSync(join(own, "audit.log"), lines.map((line) => `${line}\n`).join(""));
    return {
      create: async () =>
        createFileTail({
          name: "audit",
          path: join(own, "audit.log"),
          checkpoint: await openCheckpoint(join(own, "checkpoint.json")),
          pollIntervalMs: 2,
          chunkBytes: 4096,
        }),
      cleanUp: async () => rmSync(own, { recursive: true }),
    };
  },
});

describe("file tail", () => {
  test("follows several rotations between two looks, plain and compressed, in order", async () => {
    write("a");
    const source = await tail();
    const received = await receive(source, 6, (_line, index) => {
      if (index === 0) {
        rotate("2026-11-24T00-00-01.000");
        write("b");
        rotate("2026-11-24T00-00-02.000");
        write("c");
        rotate("2026-11-24T00-00-03.000");
        compress("2026-11-24T00-00-01.000");
        compress("2026-11-24T00-00-02.000");
        write("d");
        rotate("2026-11-24T00-00-04.000");
        write("e");
        write("f");
      }
    });
    expect(received.map((line) => line.text)).toEqual(["a", "b", "c", "d", "e", "f"]);
    expect(alarms).toEqual([]);
  });

  test("remembers at a stop what was rotated away since the last look and is not read", async () => {
    write("a");
    const source = await tail();
    for await (const _chunk of source.open(new AbortController().signal)) {
      rotate("2026-11-24T00-00-01.000");
      write("b");
      rotate("2026-11-24T00-00-02.000");
      break;
    }
    rmSync(join(folder, "audit-2026-11-24T00-00-02.000.log"));
    const next = await tail();
    await receive(next, 1);
    expect(next.rotation?.()).toMatchObject({ lostFiles: 1, lostBytes: 2 });
  });

  test("reads no file twice when the clock was set back between two rotations", async () => {
    write("a");
    const source = await tail();
    const received = await receive(source, 5, (_line, index) => {
      if (index === 0) {
        rotate("2027-11-24T00-00-00.000");
        write("b");
        rotate("2026-11-24T00-00-00.000");
        write("c");
      } else if (index === 2) {
        write("d");
        rotate("2025-11-24T00-00-00.000");
        write("e");
      }
    });
    expect(received.map((line) => line.text)).toEqual(["a", "b", "c", "d", "e"]);
    expect(alarms).toEqual([]);
  });

  test("reads the rest of a file that was rotated and compressed while nothing ran", async () => {
    for (const line of ["a", "b", "c"]) {
      write(line);
    }
    const first = await tail();
    await receive(first, 3, (line, index) => (index === 0 ? first.ack(line.input, line.end) : undefined));
    rotate("2026-11-24T00-00-01.000");
    write("d");
    rotate("2026-11-24T00-00-02.000");
    compress("2026-11-24T00-00-01.000");
    write("e");
    expect(texts(await receive(await tail(), 4))).toEqual(["b", "c", "d", "e"]);
    expect(alarms).toEqual([]);
  });

  test("prefers the plain file while its archive is still being written", async () => {
    write("a");
    write("b");
    const first = await tail();
    await receive(first, 2, (line, index) => (index === 0 ? first.ack(line.input, line.end) : undefined));
    rotate("2026-11-24T00-00-01.000");
    writeFileSync(`${rotatedName("2026-11-24T00-00-01.000")}.gz`, gzipSync("a\nb\n").subarray(0, 12));
    write("c");
    expect(texts(await receive(await tail(), 2))).toEqual(["b", "c"]);
    expect(alarms).toEqual([]);
  });

  test("is not deceived by an inode that is used again", async () => {
    write("first file, first line");
    const first = await tail();
    await receive(first, 1, (line) => first.ack(line.input, line.end));
    // The same inode with other, longer content is what a reused inode looks like.
    writeFileSync(log, "second file, a much longer first line\nsecond file, second line\n");
    expect(texts(await receive(await tail(), 2))).toEqual([
      "second file, a much longer first line",
      "second file, second line",
    ]);
    expect(alarms.map((alarm) => alarm.kind)).toEqual(["truncated"]);
  });

  test("says that a file is gone which it had not finished, and goes on", async () => {
    write("a");
    const first = await tail();
    await receive(first, 1, (line) => first.ack(line.input, line.end));
    // Gone from here; deleted, its inode could be used again, which looks like a file that was cut.
    mkdirSync(join(folder, "elsewhere"));
    renameSync(log, join(folder, "elsewhere", "audit.log"));
    write("b");
    rotate("2026-11-24T00-00-02.000");
    write("c");
    expect(texts(await receive(await tail(), 2))).toEqual(["b", "c"]);
    expect(alarms).toMatchObject([{ kind: "gap" }]);
  });

  test("starts anew with an alarm when the file is cut in place", async () => {
    write("one");
    const received = await receive(await tail(), 3, (_line, index) => {
      if (index === 0) {
        truncateSync(log, 0);
        write("2");
        write("three and more than before");
      }
    });
    expect(texts(received)).toEqual(["one", "2", "three and more than before"]);
    expect(alarms).toMatchObject([{ kind: "truncated" }]);
  });

  test.each([
    ["", (copy: string) => copy],
    [
      " and packed",
      (copy: string) => {
        writeFileSync(`${copy}.gz`, gzipSync(readFileSync(copy)));
        unlinkSync(copy);
        return `${copy}.gz`;
      },
    ],
  ])(
    "reads what it had not read of a file that was copied%s and cut, from the copy, after a restart too",
    async (_, pack) => {
      write("a");
      write("b");
      const first = await tail();
      await receive(first, 2, (line, index) => (index === 0 ? first.ack(line.input, line.end) : undefined));
      write("c");
      copyFileSync(log, `${log}.1`);
      const copy = pack(`${log}.1`);
      writeFileSync(`${log}.old`, "something else\n");
      truncateSync(log, 0);
      write("d");
      const second = await tail();
      const received = await receive(second, 3, (line) => second.ack(line.input, line.end));
      expect(texts(received)).toEqual(["b", "c", "d"]);
      expect(alarms).toMatchObject([{ kind: "truncated", message: expect.stringContaining(copy) as string }]);
      write("e");
      expect(texts(await receive(await tail(), 1))).toEqual(["e"]);
      expect(alarms).toHaveLength(1);
    },
  );

  test.each([
    ["kept", true],
    ["thrown away", false],
  ])(
    "calls every file as before a crash, although one that was not acknowledged was cut; its copy %s",
    async (_, isKept) => {
      write("a");
      const first = await tail();
      const before = await receive(first, 4, async (line, index) => {
        if (index === 0) {
          await first.ack(line.input, line.end);
          rotate("2026-11-24T00-00-01.000");
          write("b");
        } else if (index === 1) {
          copyFileSync(log, `${log}.1`);
          truncateSync(log, 0);
          write("c");
        } else if (index === 2) {
          rotate("2026-11-24T00-00-02.000");
          write("d");
        }
      });
      expect(before.map(({ text, input }) => [text, input])).toEqual([
        ["a", "audit.log@0"],
        ["b", "audit.log@1"],
        ["c", "audit.log@2"],
        ["d", "audit.log@3"],
      ]);
      if (!isKept) {
        unlinkSync(`${log}.1`);
      }
      alarms = [];
      const after = isKept ? before.slice(1) : before.slice(2);
      expect(await receive(await tail(), after.length)).toEqual(after);
      expect(alarms.map(({ kind }) => kind)).toEqual([isKept ? "truncated" : "gap"]);
    },
  );

  test("gives no number to a file that it does not come to yet, because the one before it was cut meanwhile", async () => {
    write("a");
    const received = await receive(await tail(), 4, (_line, index) => {
      if (index === 0) {
        write("b");
        copyFileSync(log, `${log}.1`);
        truncateSync(log, 0);
        write("c");
        rotate("2026-11-24T00-00-01.000");
        write("d");
      }
    });
    expect(received.map(({ text, input }) => [text, input])).toEqual([
      ["a", "audit.log@0"],
      ["b", "audit.log@0"],
      ["c", "audit.log@1"],
      ["d", "audit.log@2"],
    ]);
  });

  test("sees a file that was cut and written anew to the very same length", async () => {
    write("first");
    const received = await receive(await tail(), 2, (_line, index) => {
      if (index === 0) {
        truncateSync(log, 0);
        write("other");
      }
    });
    expect(texts(received)).toEqual(["first", "other"]);
    expect(alarms).toMatchObject([{ kind: "truncated" }]);
  });

  test("waits for a file and a folder that are not there yet", async () => {
    const late = join(folder, "later");
    const source = createFileTail({
      name: "audit",
      path: join(late, "audit.log"),
      checkpoint: await openCheckpoint(join(folder, "checkpoint.json")),
      pollIntervalMs: 2,
    });
    const received = receive(source, 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    execFileSync("mkdir", [late]);
    writeFileSync(join(late, "audit.log"), "a\n");
    expect(texts(await received)).toEqual(["a"]);
  });

  test("holds a partial line until it is completed, over a restart and a rotation", async () => {
    appendFileSync(log, "whole\nhal");
    const first = await tail();
    await receive(first, 1, (line) => first.ack(line.input, line.end));
    appendFileSync(log, "f\n");
    rotate("2026-11-24T00-00-01.000");
    write("next");
    expect(texts(await receive(await tail(), 2))).toEqual(["half", "next"]);
  });

  test("ends an input whose last line was never completed when the next file comes", async () => {
    appendFileSync(log, "whole\ntorn");
    const received = await receive(await tail(), 3, (_line, index) => {
      if (index === 0) {
        rotate("2026-11-24T00-00-01.000");
        write("next");
      }
    });
    expect(texts(received)).toEqual(["whole", "torn", "next"]);
  });

  test("tells once that it may not read the log, and goes on when it may", async () => {
    execFileSync("mkdir", [log]);
    const received = receive(await tail(), 1);
    while (alarms.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // A second look must not tell again.
    await new Promise((resolve) => setTimeout(resolve, 30));
    rmSync(log, { recursive: true });
    write("a");
    expect(texts(await received)).toEqual(["a"]);
    expect(alarms.map((alarm) => alarm.kind)).toEqual(["unreadable"]);
  });

  test("does not read files that were rotated away before it was first started", async () => {
    write("old");
    rotate("2026-11-24T00-00-01.000");
    write("new");
    expect(texts(await receive(await tail(), 1))).toEqual(["new"]);
  });

  test("refuses a checkpoint section that is no position", async () => {
    writeFileSync(join(folder, "checkpoint.json"), '{"version":1,"sections":{"source/audit":{"offset":-1}}}');
    const source = await tail();
    await expect(receive(source, 1)).rejects.toThrow("no position");
  });

  test("loses and repeats nothing in any sequence of appends, rotations, cuts and restarts", async () => {
    await fc.assert(tailModel(), { numRuns: 30, endOnFailure: true });
  }, 25_000);
});

async function tail(): Promise<Source> {
  return createFileTail({
    name: "audit",
    path: log,
    checkpoint: await openCheckpoint(join(folder, "checkpoint.json")),
    onAlarm: (alarm) => alarms.push(alarm),
    pollIntervalMs: 2,
  });
}

function texts(lines: readonly { readonly text: string }[]): readonly string[] {
  return lines.map((line) => line.text);
}

function write(line: string): void {
  appendFileSync(log, `${line}\n`);
}

function rotatedName(time: string): string {
  return join(folder, `audit-${time}.log`);
}

function rotate(time: string): void {
  renameSync(log, rotatedName(time));
}

function compress(time: string): void {
  const plain = rotatedName(time);
  writeFileSync(`${plain}.gz`, gzipSync(readFileSync(plain)));
  unlinkSync(plain);
  expect(existsSync(plain)).toBe(false);
  expect(readdirSync(folder).some((name) => name.endsWith(".gz"))).toBe(true);
}
