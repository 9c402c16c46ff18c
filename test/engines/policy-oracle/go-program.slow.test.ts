import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildGoProgram } from "./go-program.ts";

const run = promisify(execFile);
const LONGEST_MS = 600_000;
const SOURCE = 'package main\n\nimport (\n\t"fmt"\n\t"time"\n)\n\nfunc main() { fmt.Print(time.Now().Unix()) }\n';
const NOW = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n";
const DAYS = 8;

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "go-program-"));
  await writeFile(join(folder, "go.mod"), "module clock\n\ngo 1.26.0\n");
  await writeFile(join(folder, "main.go"), SOURCE);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("buildGoProgram", () => {
  const build = (find: string, put: string): Promise<string> =>
    buildGoProgram(
      { name: "clock", folder, library: [{ file: "time/time.go", find, put }] },
      { cacheFolder: join(folder, "cache") },
    );

  it(
    "changes Go's library for that one program, and keeps nothing else beside it",
    { timeout: LONGEST_MS },
    async () => {
      const ahead = await build(NOW, `${NOW}\tsec += ${DAYS * 86_400}\n`);
      const as = await buildGoProgram({ name: "clock", folder }, { cacheFolder: join(folder, "cache") });
      const [shifted, plain] = await Promise.all([ahead, as].map(async (binary) => Number((await run(binary)).stdout)));
      expect(Math.abs((shifted ?? 0) - (plain ?? 0) - DAYS * 86_400)).toBeLessThan(120);
      expect(await readdir(join(ahead, ".."))).toEqual(["clock"]);
    },
  );

  it("refuses a version of Go whose library does not have the text", { timeout: LONGEST_MS }, async () => {
    await expect(build("func Later() Time {", "")).rejects.toThrow(/does not have "func Later\(\) Time \{" in it once/);
    expect((await readdir(join(folder, "cache"))).filter((name) => name.startsWith("building-"))).toEqual([]);
  });
});
