import type { LineAlarm, LineProblem } from "@auditsieve/ingest";
import { safeText } from "@auditsieve/detect/safe-text";
import { say } from "./output.ts";

const SHOWN = 5;

const TORN = "Torn or glued lines come from a full disk, a crash or copytruncate; look at the place in the file";
const OTHER = "Events of audit.k8s.io/v1 are read; apiservers before 1.24 may have been set to write v1beta1";
const ODD = "No apiserver writes this: look at how the line came into the log";

const REASONS: ReadonlyMap<string, string> = new Map([
  ["not-json", "not one JSON object"],
  ["not-an-audit-event", "no audit.k8s.io/v1 Event"],
  ["duplicate-field", "a field stands in it twice"],
  ["wrong-type", "a field of another type"],
  ["missing-field", "a field is missing"],
  ["over-the-limit", "too long to be read"],
]);

/** Why a line could not be decided, as a person reads it. */
export function reasonText(reason: string): string {
  return REASONS.get(reason) ?? reason;
}

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
  addAlarm({ kind, input, offset, bytes, reason }: LineAlarm): void {
    this.#count++;
    if (this.#count > SHOWN) {
      return;
    }
    const place = `${safeText(input.slice(input.indexOf(":") + 1), 500)} (offset ${offset})`;
    if (kind === "oversize") {
      say(`${place}: Cannot read a line of ${bytes} bytes as a whole: only what stands before its bodies is looked at`);
      say("  hint: An apiserver rarely writes more than a few MB a line; look at the place in the file");
    } else {
      say(
        `${place}: Cannot decode the line of ${bytes} bytes as an audit event (${reasonText(reason)}): it is left out`,
      );
      say(`  hint: ${reason === "not-json" ? TORN : reason === "not-an-audit-event" ? OTHER : ODD}`);
    }
  }

  /**
   * Says how many more there were, and if nothing else was there; true if the command should fail for them. `isUnreadable`: an input
   * could not be read, so that nobody knows what it holds.
   */
  finish(events: number, isUnreadable = false): boolean {
    if (this.#count > SHOWN) {
      say(`auditsieve: ${this.#count - SHOWN} more lines could not be decided`);
    }
    if (events === 0 && !(isUnreadable && this.#count === 0)) {
      say(`auditsieve: Cannot find one audit event in the input${this.#count === 0 ? ": it is empty" : ""}`);
      say(
        "  hint: An audit log holds one JSON object of kind Event a line; --audit-log-path of the apiserver says where it is",
      );
    }
    return this.#strict && this.#count > 0;
  }
}
