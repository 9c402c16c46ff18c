import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeState, openDetectionState } from "./detection-state.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "detection-state-"));
});
afterEach(() => rm(folder, { recursive: true }));

const STATE = { detections: { version: 2, memory: ["jane"] }, read: { "audit/0@0": 17 } };
const TEXT = encodeState(STATE) ?? "";

async function written(): Promise<{ readonly reference: unknown; readonly file: string }> {
  const state = await openDetectionState(folder, "audit", undefined);
  await state.write(TEXT);
  const [name = ""] = await readdir(folder);
  return { reference: state.reference, file: join(folder, name) };
}

describe("DetectionState", () => {
  test("gives what was written, and never touches the file that the checkpoint names", async () => {
    const { reference, file } = await written();
    const again = await openDetectionState(folder, "audit", reference as never);
    // Of the version before, which held its documents itself.
    expect(again).toMatchObject({ loaded: STATE, problem: undefined, reference });
    const before = await readFile(file);
    await again.write(encodeState({ ...STATE, read: {} }) ?? "");
    expect(await readFile(file)).toEqual(before);
    expect(again.reference).not.toEqual(reference);
    // As after a crash before the checkpoint was written.
    expect(await openDetectionState(folder, "audit", reference as never)).toMatchObject({ loaded: STATE });
  });

  test("gives the documents that it names, each written once, and goes on from an earlier run", async () => {
    const first = new Map([["01", Buffer.from('{"a":1}')]]);
    const both = new Map([...first, ["02", Buffer.from('{"b":2}')]]);
    const textOf = (documents: ReadonlyMap<string, Buffer>): string =>
      encodeState({ detections: [...documents.keys()], read: {}, documents }) ?? "";
    const state = await openDetectionState(folder, "audit", undefined);
    await state.write(textOf(first), first);
    const before = state.reference;
    await state.write(textOf(both), both);
    for (const [reference, documents] of [
      [before, first],
      [state.reference, both],
    ] as const) {
      const { loaded, problem } = await openDetectionState(folder, "audit", reference);
      expect(problem).toBeUndefined();
      expect(loaded).toEqual({ detections: [...documents.keys()], read: {}, documents });
    }
    const [file = ""] = (await readdir(folder)).filter((name) => name.startsWith("documents-"));
    await writeFile(join(folder, file), "");
    expect((await openDetectionState(folder, "audit", before)).problem).toContain("not what the checkpoint names");
  });

  test("nothing is kept of what is too large, and nothing is named", async () => {
    const { reference } = await written();
    const state = await openDetectionState(folder, "audit", reference as never);
    await state.write("");
    expect(state.reference).toBeUndefined();
  });

  test.each([
    ["is gone", async (file: string) => rm(file), "ENOENT"],
    ["is damaged", async (file: string) => writeFile(file, "{}"), "not the file that the checkpoint names"],
  ] as const)("a file that %s is a problem, and nothing is loaded", async (_, harm, words) => {
    const { reference, file } = await written();
    await harm(file);
    const state = await openDetectionState(folder, "audit", reference as never);
    expect(state.loaded).toBeUndefined();
    expect(state.problem).toContain(words);
    expect(state.reference).toBeUndefined();
  });

  test.each([
    ["of another version", '{"version":3,"read":{},"detections":{}}', "it has version 3, this program knows 2"],
    ["that is no JSON", "nonsense", "JSON"],
    ["that is no object", "[]", "it is no JSON object"],
  ])("a state %s is a problem", async (_, text, words) => {
    const state = await openDetectionState(folder, "audit", undefined);
    await state.write(text);
    const again = await openDetectionState(folder, "audit", state.reference);
    expect(again.loaded).toBeUndefined();
    expect(again.problem).toContain(words);
  });

  test("a checkpoint that names nothing sensible is a problem", async () => {
    expect((await openDetectionState(folder, "audit", { slot: 7 })).problem).toContain("does not say which file");
  });
});
