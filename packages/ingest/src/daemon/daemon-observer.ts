import type { IngestError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { DeadLetter } from "../sinks/dead-letter.ts";

const QUIET_MS = 10_000;

/** What goes wrong, told and counted: a fault that repeats once in ten seconds, with how often it came; a log must not grow with it. */
export class DaemonObserver {
  readonly #logger: Logger;
  readonly #told = new Map<string, { at: number; since: number }>();
  readonly #failures = new Map<string, number>();
  readonly #alarms = new Map<string, number>();
  /** Put aside and not told yet, by sink and reason. */
  readonly #refused = new Map<string, number>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Something failed and is tried again. */
  failure(error: IngestError): void {
    count(this.#failures, error.code);
    this.#limited(error.code, (repeated) =>
      this.#logger.error({ code: error.code, hint: error.hint, repeated }, error.message),
    );
  }

  /** A sink is asked again by itself, and tells of it. */
  retry(reason: string): void {
    count(this.#failures, reason);
  }

  /** A line is undecidable or too long. */
  line(kind: string, place: Record<string, unknown>): void {
    count(this.#alarms, kind);
    this.#limited(kind, (repeated) => this.#logger.warn({ ...place, repeated }, `Line is ${kind}.`));
  }

  /** Documents that sinks refused for good lie in `file` now. */
  refused(letters: readonly DeadLetter[], file: string): void {
    for (const [key, some] of Map.groupBy(letters, ({ sink, reason }) => `${sink} ${reason}`)) {
      const [{ sink, reason } = { sink: "", reason: "" }] = some;
      const open = (this.#refused.get(key) ?? 0) + some.length;
      this.#refused.set(key, open);
      count(this.#alarms, "dead-letter", some.length);
      this.#limited(`dead-letter ${key}`, () => {
        this.#refused.delete(key);
        this.#logger.warn(
          { alarm: "dead-letter", sink, reason, documents: open, file },
          "A sink refuses documents for good: they are put aside. `ingest --redeliver` delivers them again once the reason is gone.",
        );
      });
    }
  }

  /** Something that an operator must hear of; counted only where it was told a moment ago. */
  alarm(source: string, kind: string, message: string, isQuiet = false): void {
    count(this.#alarms, kind);
    if (isQuiet) {
      return;
    }
    this.#logger.warn({ source, alarm: kind }, message);
  }

  counts(): { readonly alarms: Readonly<Record<string, number>>; readonly failures: Readonly<Record<string, number>> } {
    return { alarms: Object.fromEntries(this.#alarms), failures: Object.fromEntries(this.#failures) };
  }

  #limited(key: string, tell: (repeated: number) => void): void {
    const now = performance.now();
    const known = this.#told.get(key);
    if (known !== undefined && now - known.at < QUIET_MS) {
      known.since++;
      return;
    }
    this.#told.set(key, { at: now, since: 0 });
    tell(known?.since ?? 0);
  }
}

function count(counts: Map<string, number>, key: string, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
