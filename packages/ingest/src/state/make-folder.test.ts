import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { makeFolder } from "./make-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-folder-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("makeFolder", () => {
  test("makeFolder makes what is above the folder too, for its owner only", async () => {
    const path = join(folder, "a/b/c");
    await makeFolder(path);
    await makeFolder(path);
    expect([path, join(folder, "a")].map((each) => statSync(each).mode & 0o777)).toEqual([0o700, 0o700]);
  });

  test("makeFolder rejects where a file is in the way", async () => {
    const path = join(folder, "file");
    writeFileSync(path, "");
    await expect(makeFolder(path)).rejects.toMatchObject({ code: "EEXIST" });
    await expect(makeFolder(join(path, "below"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  test.runIf(process.platform === "linux")(
    "makeFolder rejects where the system makes none: Node's own way tries for ever",
    async () => {
      await expect(makeFolder("/proc/auditsieve/state")).rejects.toMatchObject({ code: "ENOENT" });
    },
  );
});
