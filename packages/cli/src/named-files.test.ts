import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NamedFiles } from "./named-files.ts";

test("tells when a file holds something else, also behind a link as a mounted Secret has it, and not when it is away", () => {
  const folder = mkdtempSync(join(tmpdir(), "named-files-"));
  const at = (name: string): string => join(folder, name);
  writeFileSync(at("key"), "one");
  writeFileSync(at("crt-1"), "old");
  writeFileSync(at("crt-2"), "new");
  symlinkSync(at("crt-1"), at("crt"));
  const files = new NamedFiles();
  expect([files.read(at("key")), files.read(at("crt"))]).toEqual(["one", "old"]);
  expect(() => files.read(at("none"))).toThrow("ENOENT");
  writeFileSync(at("key"), "one");
  expect(files.haveChanged()).toBe(false);
  symlinkSync(at("crt-2"), at("crt-next"));
  renameSync(at("crt-next"), at("crt"));
  expect(files.haveChanged()).toBe(true);
  files.clear();
  expect(files.haveChanged()).toBe(false);
  files.read(at("crt"));
  rmSync(at("crt"));
  expect(files.haveChanged()).toBe(false);
  rmSync(folder, { recursive: true });
});
