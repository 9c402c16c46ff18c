import { expect, test } from "vitest";
import { loadDetectionFiles } from "./load-detections.ts";

test("loadDetectionFiles: documents that are given are taken; a problem in them has its place in the text", () => {
  const text = "title: T\nid: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10\nlevel: low\nlogsource: { product: kubernetes }\n";
  const file = "t.yml";
  const document = {
    title: "T",
    id: "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10",
    level: "low",
    logsource: { product: "kubernetes" },
  };
  const detection = { s: { verb: "delete" }, condition: "s" };
  const sound = loadDetectionFiles([{ file, text: "never: read", documents: [{ ...document, detection }] }]);
  expect(sound.problems).toEqual([]);
  expect(sound.detections.map(({ title }) => title)).toEqual(["T"]);
  const [problem] = loadDetectionFiles([{ file, text, documents: [document] }]).problems;
  expect(problem).toMatchObject({ severity: "error", line: 1 });
  expect(problem).toEqual(loadDetectionFiles([{ file, text }]).problems[0]);
});

test("loadDetectionFiles: of a folder what is about another log is left out and named, of a file that is named it is an error", () => {
  const rule = (product: string): string =>
    `{title: T, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10, level: low, logsource: {product: ${product}}, detection: {s: {verb: delete}, condition: s}}`;
  const files = [
    { file: "ours.yml", text: rule("kubernetes") },
    { file: "windows.yml", text: rule("windows") },
  ];
  const ofFolder = loadDetectionFiles(files.map((each) => ({ ...each, isOfFolder: true })));
  expect([ofFolder.problems, ofFolder.others]).toEqual([[], ["windows.yml"]]);
  expect(ofFolder.detections.map(({ file }) => file)).toEqual(["ours.yml"]);
  const named = loadDetectionFiles(files);
  expect(named.problems).toMatchObject([{ file: "windows.yml", severity: "error" }]);
  expect(named.others).toEqual([]);
});
