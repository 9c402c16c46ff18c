import { wideJson } from "./json-text.ts";
import { writeData } from "./output.ts";

/** Writes one JSON document of `fields`, and behind them a list under `key` that need not be held as a whole. */
export async function writeJsonDocument(fields: object, key: string, items: Iterable<unknown>): Promise<void> {
  const head = wideJson({ ...fields, [key]: [] }).slice(0, -"]\n}".length);
  let before = "\n";
  let text = head;
  for (const item of items) {
    text += before + wideJson(item).replaceAll(/^/gm, "    ");
    before = ",\n";
    if (text.length > FLUSH) {
      await writeData(text);
      text = "";
    }
  }
  await writeData(`${text}${before === "\n" ? "" : "\n  "}]\n}\n`);
}

const FLUSH = 64 * 1024;
