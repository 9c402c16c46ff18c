import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { nearestPackage, PROFILES } from "./shipped-files.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "auditsieve-nearest-")));
afterAll(() => rmSync(root, { recursive: true }));

test("PROFILES is the folder of the package that Node finds", () => {
  expect(PROFILES).toBe(dirname(createRequire(import.meta.url).resolve("@auditsieve/profiles/package.json")));
});

test("nearestPackage finds what Node does: in the nearest folder that has it, where it really lies", () => {
  const put = (folder: string): string => {
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, "package.json"), "{}");
    return join(root, folder);
  };
  const [far, near, store] = [put("node_modules/@its/own"), put("app/node_modules/@its/own"), put("store/linked")];
  mkdirSync(join(root, "app/dist/node_modules/@its/own"), { recursive: true });
  symlinkSync(store, join(root, "app/node_modules/linked"));
  expect(nearestPackage(join(root, "app/dist"), "@its/own")).toBe(near);
  expect(nearestPackage(join(root, "other/dist"), "@its/own")).toBe(far);
  expect(nearestPackage(join(root, "app/dist"), "linked")).toBe(store);
  expect(nearestPackage(join(root, "app"), "@its/nothing-of-that-name")).toBeUndefined();
});
