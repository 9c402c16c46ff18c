import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openLog } from "./log-file.ts";
import { openPlainLog } from "./plain-log.ts";

const folder = mkdtempSync(join(tmpdir(), "cut-while-read-"));
afterAll(() => rmSync(folder, { recursive: true }));
const LINE = '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"1"}\n';

const READERS: Readonly<Record<string, (path: string) => AsyncIterable<Buffer> | Iterable<Buffer>>> = {
  openLog: (path) => openLog(path),
  openPlainLog: (path) => {
    const log = openPlainLog(path, path, Buffer.alloc(65_536));
    return log.isPlain ? log.chunks : [];
  },
};

test.each(Object.keys(READERS))(
  "%s says that a log was cut while it was read, and gives what it had before",
  async (name) => {
    const path = join(folder, name);
    writeFileSync(path, LINE.repeat(50_000));
    let read = "";
    const readAll = async (): Promise<void> => {
      for await (const chunk of READERS[name]?.(path) ?? []) {
        if (read === "") {
          truncateSync(path, LINE.length);
        }
        read += chunk.toString();
      }
    };
    await expect(readAll()).rejects.toThrow(/was cut to \d+ bytes while it was read, after \d+ bytes/);
    expect(read.startsWith(LINE.repeat(500))).toBe(true);
    expect(read.length).toBeLessThan(LINE.length * 50_000);
  },
);

test.each(Object.keys(READERS))("%s says that a log was emptied and written anew while it was read", async (name) => {
  const path = join(folder, `anew ${name}`);
  writeFileSync(path, LINE.repeat(50_000));
  let read = "";
  const readAll = async (): Promise<void> => {
    for await (const chunk of READERS[name]?.(path) ?? []) {
      if (read === "") {
        writeFileSync(path, LINE.replace('"1"', '"2"').repeat(60_000));
      }
      read += chunk.toString();
    }
  };
  await expect(readAll()).rejects.toThrow(/was emptied and written anew while it was read, within its first \d+ bytes/);
  expect(read.length).toBe(LINE.length * 60_000);
});

test("openLog and openPlainLog say nothing of a log that grows while it is read", async () => {
  for (const [name, open] of Object.entries(READERS)) {
    const path = join(folder, `growing ${name}`);
    writeFileSync(path, LINE.repeat(5000));
    let read = "";
    for await (const chunk of open(path)) {
      if (read === "") {
        writeFileSync(path, LINE, { flag: "a" });
      }
      read += chunk.toString();
    }
    expect(read.startsWith(LINE.repeat(5000))).toBe(true);
  }
});
