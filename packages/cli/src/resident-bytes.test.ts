import { expect, test } from "vitest";
import { residentBytes } from "./resident-bytes.ts";

test("residentBytes gives what the system says, and nothing where it does not say it", () => {
  expect(residentBytes()).toBeGreaterThan(1_000_000);
  const withoutProc = (): number => {
    throw new Error("ENOENT: no such file or directory, uv_resident_set_memory");
  };
  expect(residentBytes(withoutProc)).toBeUndefined();
});
