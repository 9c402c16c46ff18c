import * as nodeFiles from "node:fs/promises";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openCheckpoint } from "./checkpoint.ts";
import type { StateFiles } from "./checkpoint.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "checkpoint-"));
  path = join(folder, "checkpoint.json");
});
afterEach(() => rm(folder, { recursive: true }));

describe("Checkpoint", () => {
  test("gives back what was saved, with a version", async () => {
    const checkpoint = await openCheckpoint(path);
    checkpoint.put("source/a", { offset: 3 });
    await checkpoint.save();
    expect((await openCheckpoint(path)).get("source/a")).toEqual({ offset: 3 });
    expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ version: 1 });
    expect(await readdir(folder)).toEqual(["checkpoint.json"]);
  });

  test("saves that come together share writes, and each is durable when it resolves", async () => {
    let renames = 0;
    const counting: StateFiles = { ...nodeFiles, rename: (from, to) => (renames++, nodeFiles.rename(from, to)) };
    const checkpoint = await openCheckpoint(path, counting);
    const saves = Array.from({ length: 100 }, async (_, i) => {
      checkpoint.put("n", i);
      await checkpoint.save();
      const onDisk = (await openCheckpoint(path)).get("n");
      expect(onDisk).toBeGreaterThanOrEqual(i);
    });
    await Promise.all(saves);
    expect(renames).toBeLessThanOrEqual(2);
  });

  test.each([
    ["", "no JSON"],
    ['{"version":1,"sections":{"a":1', "no JSON"],
    ["[]", "no version"],
    ['{"version":1}', "no sections"],
    ['{"version":9,"sections":{}}', "version 9"],
  ])("refuses %j instead of beginning anew", async (text, reason) => {
    await writeFile(path, text);
    await expect(openCheckpoint(path)).rejects.toThrow(reason);
    await expect(openCheckpoint(path)).rejects.toMatchObject({ path, hint: /move/ });
  });

  test("a crash at any file operation leaves the old or the new content", async () => {
    for (let failing = 0; ; failing++) {
      const before = await openCheckpoint(path);
      before.put("n", -1);
      await before.save();
      let operation = 0;
      const step = (): void => {
        if (operation++ >= failing) {
          throw new Error("crash");
        }
      };
      const crashing: StateFiles = {
        readFile: nodeFiles.readFile,
        rename: async (from, to) => (step(), nodeFiles.rename(from, to)),
        open: async (...args) => {
          step();
          const file = await nodeFiles.open(...args);
          const write = file.writeFile.bind(file);
          const sync = file.sync.bind(file);
          file.writeFile = async (content) => {
            // Half of the content gets out before the crash.
            await write((content as string).slice(0, operation >= failing ? 10 : undefined));
            step();
          };
          file.sync = async () => (step(), sync());
          return file;
        },
      };
      const checkpoint = await openCheckpoint(path, crashing);
      checkpoint.put("n", failing);
      const saved = await checkpoint.save().then(
        () => true,
        () => false,
      );
      expect([-1, failing]).toContain((await openCheckpoint(path)).get("n"));
      if (saved) {
        expect(failing).toBe(6);
        expect((await openCheckpoint(path)).get("n")).toBe(failing);
        return;
      }
    }
  });

  test("writes nothing through a link that somebody has put in its place", async () => {
    const victim = join(folder, "victim");
    await writeFile(victim, "precious");
    await symlink(victim, join(folder, ".checkpoint.json.tmp"));
    const checkpoint = await openCheckpoint(path);
    await expect(checkpoint.save()).rejects.toMatchObject({ code: "checkpoint-write", message: /symbolic link/ });
    expect(await readFile(victim, "utf8")).toBe("precious");
    await rm(join(folder, ".checkpoint.json.tmp"));
    await checkpoint.save();
  });

  test("a failed save is an error with path and cure, and the next one works", async () => {
    let fails = true;
    const files: StateFiles = {
      ...nodeFiles,
      rename: (from, to) => (fails ? Promise.reject(new Error("ENOSPC: no space left")) : nodeFiles.rename(from, to)),
    };
    const checkpoint = await openCheckpoint(path, files);
    checkpoint.put("n", 1);
    await expect(checkpoint.save()).rejects.toMatchObject({ code: "checkpoint-write", path, message: /no space/ });
    fails = false;
    await checkpoint.save();
    expect((await openCheckpoint(path)).get("n")).toBe(1);
  });
});
