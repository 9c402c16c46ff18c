import { LineFramer } from "../frame/frame.ts";
import { OPEN_OBJECT } from "../json/json-bytes.ts";
import type { LineOutput } from "./line-output.ts";
import { eventInside } from "./record.ts";
import { prefixLength } from "./unwrap-line.ts";

const CARRIAGE_RETURN = 13;

/** Takes lines that begin no document: those of CloudWatch, and whatever else. One in which there is no event comes out byte for byte. */
export class LineRecords {
  readonly #framer: LineFramer;

  constructor(output: LineOutput, maxRecordBytes: number) {
    this.#framer = new LineFramer(
      {
        line: (bytes, start, end, _offset, terminated) => {
          const open = bytes[start] === OPEN_OBJECT ? start : start + prefixLength(bytes, start, end);
          // A carriage return is no part of the record, nor of its identity.
          const close = bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
          const event = eventInside(bytes, open, close);
          output.add(event ?? bytes.subarray(open, end));
          if (terminated || event !== undefined) {
            output.endLine();
          }
        },
        oversize: () => undefined,
        oversizePart: (bytes, start, end) => output.add(bytes, start, end),
      },
      { maxLineBytes: maxRecordBytes },
    );
  }

  /** Takes the next bytes of the input. */
  write(chunk: Buffer): void {
    this.#framer.write(chunk);
  }

  /** The input has ended. */
  end(): void {
    this.#framer.end();
  }
}
