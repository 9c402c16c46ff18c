import { expect, test } from "vitest";
import { packText } from "../../../scripts/pack-detections.ts";
import { readDetectionTexts } from "./shipped.ts";

test("readDetectionTexts: what is packed of the shipped detections is what their YAML says", () => {
  const packed = JSON.parse(packText()) as Readonly<Record<string, { readonly documents: unknown }>>;
  const texts = readDetectionTexts();
  expect(texts.map(({ file }) => file)).toEqual(Object.keys(packed));
  for (const { file, documents } of texts) {
    expect(documents, `${file} was not packed: run scripts/pack-detections.ts`).toEqual(packed[file]?.documents);
  }
});
