import type { LineOutput } from "../envelope/line-output.ts";
import { recogniseObject } from "../recognise.ts";
import { addRecord } from "../envelope/add-record.ts";
import { skipSpace } from "../json/json-bytes.ts";
import type { ValueWalk } from "../frame/value-walk.ts";

const NEWLINE = 10;
const NOTHING = (): void => undefined;

/**
 * Adds the event or the provider's record that begins `at` in the chunk, if it is alone on its line and ends there; gives where the next
 * line begins. -1 for everything else. Takes a third of the time that it takes to read it as a document.
 */
export function addRecordLine(output: LineOutput, walk: ValueWalk, chunk: Buffer, at: number): number {
  const newline = chunk.indexOf(NEWLINE, at);
  const line = chunk.subarray(at, Math.max(at, newline));
  const form = newline === -1 ? undefined : recogniseObject(line, 0)?.form;
  if (form !== "plain" && form !== "lines") {
    return -1;
  }
  walk.begin();
  const behind = walk.walk(line, 0, NOTHING, NOTHING);
  if (!walk.isDone || skipSpace(line, behind, line.length) < line.length) {
    return -1;
  }
  addRecord(output, line, 0, behind);
  return newline + 1;
}
