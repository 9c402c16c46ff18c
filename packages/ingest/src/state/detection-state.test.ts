import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import type { JsonValue } from "@auditsieve/audit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeState, openDetectionState } from "./detection-state.ts";
import type { Documents, RememberedState } from "./detection-state.ts";
import { PackedText, packWhole } from "./state-packing.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "detection-state-"));
});
afterEach(() => rm(folder, { recursive: true }));

const STATE = { detections: { version: 2, memory: ["jane"] }, read: { "audit/0@0": 17 } };

function packed({ detections, read, documents }: RememberedState): PackedText {
  const state = encodeState({ detections: [JSON.stringify(detections)], read, ...(documents && { documents }) });
  return state ?? expect.fail("it is too long");
}

function packedText(text: string): PackedText {
  return PackedText.of([text], Infinity) ?? expect.fail("it is too long");
}

async function written(): Promise<{ readonly reference: JsonValue | undefined; readonly file: string }> {
  const state = await openDetectionState(folder, "audit", undefined);
  await state.write(packed(STATE));
  const [name = ""] = await readdir(folder);
  return { reference: state.reference, file: join(folder, name) };
}

describe("DetectionState", () => {
  test("gives what was written, and never touches the file that the checkpoint names", async () => {
    const { reference, file } = await written();
    const again = await openDetectionState(folder, "audit", reference);
    expect(again).toMatchObject({ problem: undefined, reference });
    // Of the version before, which held its documents itself.
    expect(again.take()).toMatchObject(STATE);
    // What was given is not held on to.
    expect(again.take()).toBeUndefined();
    const before = await readFile(file);
    await again.write(packed({ ...STATE, read: {} }));
    expect(await readFile(file)).toEqual(before);
    expect(again.reference).not.toEqual(reference);
    // As after a crash before the checkpoint was written.
    expect((await openDetectionState(folder, "audit", reference)).take()).toMatchObject(STATE);
  });

  test("is one file of many parts where it is long, and one of a version that knew no parts is read", async () => {
    const long = { ...STATE, detections: Array.from({ length: 40 }, (_, i) => `${i}${"ü".repeat(100_000)}`) };
    const state = await openDetectionState(folder, "audit", undefined);
    await state.write(packed(long));
    expect((state.reference as { readonly parts: readonly number[] }).parts.length).toBeGreaterThan(1);
    expect((await openDetectionState(folder, "audit", state.reference)).take()).toMatchObject(long);
    const whole = zstdCompressSync(JSON.stringify({ version: 2, ...STATE }));
    await writeFile(join(folder, "detections-old.0.zst"), whole);
    const sha256 = createHash("sha256").update(whole).digest("hex");
    expect((await openDetectionState(folder, "old", { slot: 0, sha256 })).take()).toMatchObject(STATE);
  });

  test.each([
    ["in parts", (text: Iterable<string>) => PackedText.of(text, 55)],
    ["as one piece", (text: Iterable<string>) => packWhole(text, 55)],
  ])("what is too long to be kept %s is not made to its end", (_how, pack) => {
    let made = 0;
    function* parts(): Generator<string, void> {
      for (; made < 100; made++) {
        yield "x".repeat(10);
      }
    }
    expect(pack(parts())).toBeUndefined();
    expect(made).toBe(5);
  });

  test("gives the documents that it names, each written once, and goes on from an earlier run", async () => {
    const first = new Map([["01", '{"a":1}']]);
    const both = new Map([...first, ["02", '{"b":2}']]);
    const naming = (documents: Documents): PackedText =>
      packed({ detections: [...documents.keys()], read: {}, documents });
    const state = await openDetectionState(folder, "audit", undefined);
    await state.write(naming(first), first);
    const before = state.reference;
    await state.write(naming(both), both);
    for (const [reference, documents] of [
      [before, first],
      [state.reference, both],
    ] as const) {
      const again = await openDetectionState(folder, "audit", reference);
      expect(again.problem).toBeUndefined();
      expect(again.take()).toEqual({ detections: [...documents.keys()], read: {}, documents });
    }
    const [file = ""] = (await readdir(folder)).filter((name) => name.startsWith("documents-"));
    await writeFile(join(folder, file), "");
    expect((await openDetectionState(folder, "audit", before)).problem).toContain("not what the checkpoint names");
  });

  test("nothing is kept of what is too large, and nothing is named", async () => {
    const { reference } = await written();
    const state = await openDetectionState(folder, "audit", reference);
    await state.write("");
    expect(state.reference).toBeUndefined();
  });

  test.each([
    ["is gone", async (file: string) => rm(file), "ENOENT"],
    ["is damaged", async (file: string) => writeFile(file, "{}"), "not the file that the checkpoint names"],
  ] as const)("a file that %s is a problem, and nothing is loaded", async (_, harm, words) => {
    const { reference, file } = await written();
    await harm(file);
    const state = await openDetectionState(folder, "audit", reference);
    expect(state.take()).toBeUndefined();
    expect(state.problem).toContain(words);
    expect(state.reference).toBeUndefined();
  });

  test.each([
    ["of another version", '{"version":3,"read":{},"detections":{}}', "it has version 3, this program knows 2"],
    ["that is no JSON", "nonsense", "JSON"],
    ["that is no object", "[]", "it is no JSON object"],
    ["without a place", '{"version":2,"detections":{}}', "it does not say how far each input was read"],
    [
      "of a strange place",
      '{"version":2,"read":{"a":"7"},"detections":{}}',
      "it does not say how far each input was read",
    ],
  ])("a state %s is a problem", async (_, text, words) => {
    const state = await openDetectionState(folder, "audit", undefined);
    await state.write(packedText(text));
    const again = await openDetectionState(folder, "audit", state.reference);
    expect(again.take()).toBeUndefined();
    expect(again.problem).toContain(words);
  });

  test("a checkpoint that names nothing sensible is a problem", async () => {
    expect((await openDetectionState(folder, "audit", { slot: 7 })).problem).toContain("does not say which file");
  });
});
