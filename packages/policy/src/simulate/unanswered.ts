import type { EventScan, Field, Stage } from "@auditsieve/audit";

const MAX_TRACKED = 100_000;
const MAX_KEY = 256;

/** Requests of which the log does not hold the last stage. */
export interface Unanswered {
  readonly requests: number;
  /** Of these: begun (ResponseStarted), such as watches and sessions that were still open. */
  readonly open: number;
  /** Requests that were not followed: too many at once, or with an absurd auditID. */
  readonly notFollowed: number;
}

/**
 * Follows requests from their first stage to their last. Stages belong together by auditID and time of arrival, since a client
 * may choose its auditID. Holds at most 100,000 requests: beyond that the oldest is given up and counted.
 */
export class UnansweredRequests {
  readonly #open = new Map<string, Stage>();
  #notFollowed = 0;

  event(scan: EventScan): void {
    const { stage } = scan;
    const key = keyOf(scan);
    if (key === undefined) {
      this.#notFollowed += stage === "RequestReceived" ? 1 : 0;
    } else if (stage === "ResponseComplete" || stage === "Panic") {
      this.#open.delete(key);
    } else if (stage === "RequestReceived" || this.#open.has(key) || !isAlone(scan)) {
      this.#track(key, stage);
    }
  }

  result(): Unanswered {
    const stages = [...this.#open.values()];
    return {
      requests: stages.length,
      open: stages.filter((stage) => stage === "ResponseStarted").length,
      notFollowed: this.#notFollowed,
    };
  }

  #track(key: string, stage: Stage): void {
    if (this.#open.size >= MAX_TRACKED && !this.#open.has(key)) {
      const [oldest = ""] = this.#open.keys();
      this.#open.delete(oldest);
      this.#notFollowed++;
    }
    this.#open.set(key, stage);
  }
}

/** A failed login (401) or a refused deadline (400) is one event, of the stage ResponseStarted, and has no more. */
function isAlone(scan: EventScan): boolean {
  const { code } = scan;
  return !scan.has("user.username") || code === 401 || code === 400;
}

/** As it stands in the line: the stages of one request are written alike, and decoding costs more than the comparison. */
function keyOf(scan: EventScan): string | undefined {
  if (!scan.has("auditID") || scan.valueEnd("auditID") - scan.valueStart("auditID") > MAX_KEY) {
    return undefined;
  }
  const id = scan.bytes.toString("latin1", scan.valueStart("auditID"), scan.valueEnd("auditID"));
  const received: Field = "requestReceivedTimestamp";
  return scan.has(received)
    ? id + scan.bytes.toString("latin1", scan.valueStart(received), scan.valueEnd(received))
    : id;
}
