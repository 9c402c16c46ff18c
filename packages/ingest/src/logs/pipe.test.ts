import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { openLog } from "./log-file.ts";
import { readPipe } from "./pipe.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-pipe-"));
afterAll(() => rmSync(folder, { recursive: true }));

const buffers = (): readonly [Buffer, Buffer] => [Buffer.alloc(1000), Buffer.alloc(1000)];

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) {
    text += chunk.toString();
  }
  return text;
}

describe("readPipe", () => {
  test("readPipe reads what is there, into two buffers by turns", async () => {
    const path = join(folder, "file");
    const text = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join("");
    writeFileSync(path, text);
    const file = openSync(path, "r");
    expect(await textOf(openLog({ descriptor: file }, "standard input", { buffers: buffers() }))).toBe(text);
    closeSync(file);
  });

  test("readPipe waits where a pipe says that nothing has come yet", async () => {
    const path = join(folder, "fifo");
    expect(spawnSync("mkfifo", [path]).status).toBe(0);
    // Reading and writing at once, so that opening it does not wait for anybody.
    const ends = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const chunks = readPipe({ descriptor: ends }, buffers(), "standard input");
    const first = chunks.next();
    await sleep(20);
    writeSync(ends, "late");
    expect((await first).value?.toString()).toBe("late");
    closeSync(ends);
  });

  test("readPipe says what it could not read", async () => {
    const path = join(folder, "write-only");
    const file = openSync(path, "w");
    const reading = textOf(readPipe({ descriptor: file }, buffers(), "standard input"));
    await expect(reading).rejects.toMatchObject({ name: "IngestError", code: "unreadable" });
    closeSync(file);
  });
});
