import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkOutputFile } from "./output-file.ts";
import { STANDARD_INPUT } from "./standard-input.ts";

test("checkOutputFile takes a file that is there beside a log that comes by standard input", () => {
  const folder = mkdtempSync(join(tmpdir(), "output-file-"));
  try {
    const [before, log] = [join(folder, "before.ndjson"), join(folder, "audit.log")];
    writeFileSync(before, "");
    writeFileSync(log, "");
    expect(() => checkOutputFile("--findings", before, [STANDARD_INPUT])).not.toThrow();
    expect(() => checkOutputFile("--findings", log, [STANDARD_INPUT, log])).toThrow("which would be lost");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
