import { undecidableHint } from "@auditsieve/audit/stream";
import type { LineAlarm, LineProblem } from "@auditsieve/ingest";
import { safeText } from "@auditsieve/detect/safe-text";
import { say } from "./output.ts";

const SHOWN = 5;

const REASONS: ReadonlyMap<string, string> = new Map([
  ["not-json", "not one JSON object"],
  ["not-an-audit-event", "no audit.k8s.io/v1 Event"],
  ["duplicate-field", "a field stands in it twice"],
  ["wrong-type", "a field of another type"],
  ["missing-field", "a field is missing"],
  ["in-an-envelope", "in an envelope that no event can be taken out of"],
  ["over-the-limit", "too long to be read"],
]);

/** Why a line could not be decided, as a person reads it. */
export function reasonText(reason: string): string {
  return REASONS.get(reason) ?? reason;
}

function wholeText(events: number): string {
  return events === 1 ? "the whole event" : `the ${events} whole events`;
}

/** Says the first few lines that could not be decided, each with its place, and counts the rest. */
export class LineProblems {
  #count = 0;
  #shown = 0;
  /** Places that were said. */
  readonly #said = new Set<string>();
  readonly #strict: boolean;

  constructor(options: { readonly strict: boolean }) {
    this.#strict = options.strict;
  }

  /** Takes one; `log` is the input that it stands in. */
  add(log: string, { line, offset, problem, salvaged }: LineProblem): void {
    this.#count++;
    if (this.#count <= SHOWN) {
      this.#shown++;
      const place = `${safeText(log, 500)}:${line} (offset ${offset})`;
      say(
        `${place}: ${safeText(problem.message, 500)}; it is kept${salvaged === 0 ? "" : `, ${wholeText(salvaged)} in it too`}`,
      );
      say(`  hint: ${problem.hint ?? ""}`);
    }
  }

  /** All is read again: what comes now has come before. */
  beginAgain(): void {
    this.#count = 0;
  }

  /** So many there were in all, also before a replay was gone on with. */
  inAll(count: number): void {
    this.#count = Math.max(this.#count, count);
  }

  /** Takes one that a pipeline told of. */
  addAlarm({ kind, input, offset, bytes, reason, salvaged = 0, hint }: LineAlarm): void {
    this.#count++;
    const key = `${input} ${offset}`;
    if (this.#said.size >= SHOWN || this.#said.has(key)) {
      return;
    }
    this.#said.add(key);
    this.#shown++;
    const place = `${safeText(input.slice(input.indexOf(":") + 1), 500)} (offset ${offset})`;
    if (kind === "oversize") {
      say(`${place}: Cannot read a line of ${bytes} bytes as a whole: only what stands before its bodies is looked at`);
      say("  hint: An apiserver rarely writes more than a few MB a line; look at the place in the file");
    } else {
      say(
        `${place}: Cannot decode the line of ${bytes} bytes as an audit event (${reasonText(reason)}): it is left out${salvaged === 0 ? "" : `, but not ${wholeText(salvaged)} in it`}`,
      );
      say(`  hint: ${hint ?? undecidableHint(reason) ?? "Look at the place in the file"}`);
    }
  }

  /**
   * Says how many more there were, and if nothing else was there; true if the command should fail for them. `isUnreadable`: an input
   * could not be read, so that nobody knows what it holds.
   */
  finish(events: number, isUnreadable = false): boolean {
    if (this.#count > this.#shown) {
      say(`auditsieve: ${this.#count - this.#shown} more lines could not be decided`);
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
