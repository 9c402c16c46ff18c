import type { LineAlarm, LineProblem } from "@auditsieve/ingest";
import { safeText } from "@auditsieve/detect";
import { say } from "./output.ts";

const SHOWN = 5;

/** Says the first few lines that could not be decided, each with its place, and counts the rest. */
export class LineProblems {
  #count = 0;
  readonly #strict: boolean;

  constructor(options: { readonly strict: boolean }) {
    this.#strict = options.strict;
  }

  /** Takes one; `log` is the input that it stands in. */
  add(log: string, { line, offset, problem }: LineProblem): void {
    this.#count++;
    if (this.#count <= SHOWN) {
      say(`${safeText(log, 500)}:${line} (offset ${offset}): ${safeText(problem.message, 500)}; it is kept`);
      say(`  hint: ${problem.hint ?? ""}`);
    }
  }

  /** Takes one that a pipeline told of. */
  addAlarm({ input, offset, bytes, reason }: LineAlarm): void {
    this.#count++;
    if (this.#count <= SHOWN) {
      const log = input.slice(input.indexOf(":") + 1);
      say(
        `${safeText(log, 500)} (offset ${offset}): Cannot decode the line of ${bytes} bytes as an audit event: ${reason}`,
      );
      say("  hint: Torn or glued lines come from a full disk, a crash or copytruncate; look at the place in the file");
    }
  }

  /** Says how many more there were; true if the command should fail for them. */
  finish(): boolean {
    if (this.#count > SHOWN) {
      say(`auditsieve: ${this.#count - SHOWN} more lines could not be decided`);
    }
    return this.#strict && this.#count > 0;
  }
}
