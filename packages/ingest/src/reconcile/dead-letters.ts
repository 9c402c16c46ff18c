import { existsSync } from "node:fs";
import { isJsonObject } from "@auditsieve/audit";
import { contentOf } from "../sinks/document-content.ts";
import { sealedContent } from "../sinks/sealed-letter.ts";
import { linesOf } from "./reconcile-sinks.ts";
import type { Discrepancy } from "./reconciliation.ts";

/** By id: whether a letter is about a document of this content. */
export type Letters = ReadonlyMap<string, (content: string) => boolean>;

/** The dead letters of each sink, and those that cannot be read. */
export async function readDeadLetters(
  path: string,
  idKey: Uint8Array,
): Promise<{ readonly bySink: ReadonlyMap<string, Letters>; readonly damaged: readonly Discrepancy[] }> {
  const bySink = new Map<string, Map<string, (content: string) => boolean>>();
  const damaged: Discrepancy[] = [];
  if (!existsSync(path)) {
    return { bySink, damaged };
  }
  for await (const { line, offset } of linesOf(path)) {
    const letter = decodeLetter(line, idKey);
    if (letter === undefined) {
      damaged.push({
        kind: "damaged-dead-letter",
        severity: "error",
        sink: "dead letters",
        file: path,
        offset,
        message: "this dead letter is cut or damaged",
      });
    } else {
      const ofSink = bySink.get(letter.sink) ?? new Map<string, (content: string) => boolean>();
      bySink.set(letter.sink, ofSink.set(letter.id, letter.isOf));
    }
  }
  return { bySink, damaged };
}

function decodeLetter(
  line: Buffer,
  idKey: Uint8Array,
): { readonly id: string; readonly sink: string; readonly isOf: (content: string) => boolean } | undefined {
  let letter: unknown;
  try {
    letter = JSON.parse(line.toString("utf8"));
  } catch {
    return undefined;
  }
  const { id, sink, kind, sealed, content: told } = isJsonObject(letter) ? letter : {};
  if (typeof id !== "string" || typeof sink !== "string") {
    return undefined;
  }
  if (typeof sealed === "string") {
    return { id, sink, isOf: (content) => sealedContent(content, idKey) === told };
  }
  const marker = line.indexOf('"document":');
  if (marker === -1) {
    return undefined;
  }
  const document = line.subarray(marker + '"document":'.length, line.length - 1);
  const own = contentOf(kind === "undecidable" ? "undecidable" : "event", document);
  return { id, sink, isOf: (content) => content === own };
}
