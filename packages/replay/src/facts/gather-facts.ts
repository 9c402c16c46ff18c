import { isDryRun, slotOf } from "@auditsieve/audit";
import type { EventScan, JsonValue } from "@auditsieve/audit";
import { safeText } from "@auditsieve/detect";
import { NO_TIME, textMicros } from "../lines/event-time.ts";
import { RevisionTable } from "./revisions.ts";
import type { RevisionsSnapshot } from "./revisions.ts";
import type { RightsSnapshot } from "./rights.ts";
import { countAllowed, RightsTable } from "./rights.ts";
import { HEAD_PLACE } from "../replayed-event.ts";
import type { ReplayedEvent, ReplayVisitor } from "../replayed-event.ts";
import type { Deed } from "./credential-deeds.ts";
import { Lineage } from "./lineage.ts";
import type { LineageSnapshot } from "./lineage.ts";
import { boundedText, MOST_LETTERS } from "../bounded-text.ts";
import { HeadReader } from "./event-head.ts";
import { isAboutObject, readHeadFacts } from "./head-facts.ts";
import type { HeadFacts } from "./head-facts.ts";
import { LogNumbers } from "./read-events.ts";
import type { Place } from "./read-events.ts";
import { SessionTable } from "./sessions.ts";
import type { Answered, Session, SessionsSnapshot } from "./sessions.ts";
import { TimeCounts } from "./time-counts.ts";
import type { TimesSnapshot } from "./time-counts.ts";

/** What a whole log says about who did what: bounded tables, each claim with the place of the line behind it. */
export interface Facts {
  readonly sessions: SessionTable;
  readonly lineage: Lineage;
  readonly revisions: RevisionTable;
  readonly rights: RightsTable;
  readonly times: TimeCounts;
  /** Last moment at which the apiserver wrote its own bootstrap roles: the log holds a cluster's startup. */
  readonly bootstrapUntil: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** Requests of which the object or the path has so long a name that it was cut. */
  readonly longNames: number;
  /** The logs by the numbers that places have. */
  readonly logs: readonly string[];
}

/** A session is the same object in all tables, which serialising them together keeps. */
interface FactsSnapshot {
  readonly logs: Map<string, number>;
  readonly sessions: SessionsSnapshot;
  readonly lineage: LineageSnapshot;
  readonly revisions: RevisionsSnapshot;
  readonly rights: RightsSnapshot;
  readonly times: TimesSnapshot;
  readonly streams: Set<string>;
  readonly bootstrapUntil: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly longNames: number;
}

const MOST_STREAMS = 5_000;

/**
 * Looks on while logs are replayed and gathers what summary, stories and histories rest on. Memory is bounded whatever the logs' size.
 *
 * @example
 * const gatherer = new FactGatherer();
 * const { findings } = await replayLogs({ logs, detections, redactor, visitors: [gatherer] });
 * const stories = tellStories(gatherer.facts(), rankActors(gatherer.facts(), findings));
 */
export class FactGatherer implements ReplayVisitor {
  readonly #head = new HeadReader();
  #logs = new LogNumbers();
  #sessions = new SessionTable();
  #lineage = new Lineage();
  #revisions = new RevisionTable();
  #rights = new RightsTable();
  #times = new TimeCounts();
  /** Streams that began and have not ended: their end must not count again. */
  #streams = new Set<string>();
  #bootstrapUntil: string | undefined;
  #from: string | undefined;
  #to: string | undefined;
  #longNames = 0;
  /** The log of the last event, and the place of its first byte. */
  #log: string | undefined;
  #logStart: Place = 0;

  /** The replay begins, perhaps anew. */
  begin(): void {
    this.#logs = new LogNumbers();
    this.#sessions = new SessionTable();
    this.#lineage = new Lineage();
    this.#revisions = new RevisionTable();
    this.#rights = new RightsTable();
    this.#times = new TimeCounts();
    this.#streams = new Set();
    this.#bootstrapUntil = undefined;
    this.#from = undefined;
    this.#to = undefined;
    this.#longNames = 0;
    this.#log = undefined;
  }

  snapshot(): unknown {
    return {
      logs: this.#logs.snapshot(),
      sessions: this.#sessions.snapshot(),
      lineage: this.#lineage.snapshot(),
      revisions: this.#revisions.snapshot(),
      rights: this.#rights.snapshot(),
      times: this.#times.snapshot(),
      streams: this.#streams,
      bootstrapUntil: this.#bootstrapUntil,
      from: this.#from,
      to: this.#to,
      longNames: this.#longNames,
    } satisfies FactsSnapshot;
  }

  restore(snapshot: unknown): void {
    this.begin();
    const { logs, sessions, lineage, revisions, rights, times, ...rest } = snapshot as FactsSnapshot;
    this.#logs.restore(logs);
    this.#sessions.restore(sessions);
    this.#lineage.restore(lineage);
    this.#revisions.restore(revisions);
    this.#rights.restore(rights);
    this.#times.restore(times);
    this.#streams = rest.streams;
    this.#bootstrapUntil = rest.bootstrapUntil;
    this.#from = rest.from;
    this.#to = rest.to;
    this.#longNames = rest.longNames;
  }

  facts(): Facts {
    return {
      sessions: this.#sessions,
      lineage: this.#lineage,
      revisions: this.#revisions,
      rights: this.#rights,
      times: this.#times,
      bootstrapUntil: this.#bootstrapUntil,
      from: this.#from,
      to: this.#to,
      longNames: this.#longNames,
      logs: this.#logs.names(),
    };
  }

  event(event: ReplayedEvent): void {
    const { scan } = event;
    const facts = this.#headOf(event);
    if (!this.#isAnswer(scan, facts)) {
      return;
    }
    const { ms, time } = requestTime(scan);
    const place = this.#place(event.log, event.offset);
    const { code, isRefused, isWrite } = facts;
    const request: Answered = { time, place, code, isRefused, isWrite };
    const session = (facts.session ??= this.#sessions.of(facts.who, request));
    this.#count(scan, facts, session, request);
    this.#times.add(ms, isWrite, isRefused);
    this.#from = this.#from === undefined || time < this.#from ? time : this.#from;
    this.#to = this.#to === undefined || time > this.#to ? time : this.#to;
    if (facts.right !== undefined) {
      countAllowed(facts.right, time);
    } else if (facts.reason !== undefined && !isRefused) {
      facts.right = this.#rights.add(session, facts.reason, time, place);
    }
    if ((facts.isLinked || facts.isRevised) && !(facts.isRevised && isTrial(scan, facts.verb))) {
      this.#noteObject(scan, facts, { session, time, place });
    }
    if (facts.isBootstrap) {
      this.#noteBootstrap(time);
    }
  }

  #headOf({ scan, head }: ReplayedEvent): HeadFacts {
    const kept = head?.kept[HEAD_PLACE.facts] as HeadFacts | undefined;
    if (kept?.owner === this.#sessions && kept.isResource === isAboutObject(scan)) {
      return kept;
    }
    const facts = readHeadFacts(scan, this.#head, this.#sessions);
    if (head !== undefined) {
      head.kept[HEAD_PLACE.facts] = facts;
    }
    return facts;
  }

  #isAnswer(scan: EventScan, { answer, code }: HeadFacts): boolean {
    switch (answer) {
      case "none":
        return false;
      case "this":
        return true;
      case "stream-begins":
        if (this.#streams.size >= MOST_STREAMS) {
          return code === 401;
        }
        this.#streams.add(scan.text("auditID") ?? "");
        return true;
      case "unless-begun":
        return !this.#streams.delete(scan.text("auditID") ?? "");
      default: {
        const never: never = answer;
        return never;
      }
    }
  }

  /** Counts the request in its session and for its target, which is often that of the one before. */
  #count(scan: EventScan, facts: HeadFacts, session: Session, request: Answered): void {
    const slot = facts.isResource ? NAME : REQUEST_URI;
    const end = scan.slotEnd(slot);
    const start = end === 0 ? 0 : scan.slotStart(slot);
    if (facts.touch !== undefined && isSame(scan.bytes, start, end, facts.name)) {
      this.#sessions.again(facts.touch, request);
      return;
    }
    const { verb, namespace } = facts;
    const path = facts.isResource ? "" : (scan.text("requestURI") ?? "").replace(/\?.*$/s, "");
    const name = scan.text("objectRef.name") ?? "";
    const isLong = Math.max(path.length, name.length) > MOST_LETTERS;
    this.#longNames += isLong ? 1 : 0;
    const resource = facts.isResource ? facts.resource : boundedText(path);
    const touch = this.#sessions.add(session, { verb, resource, namespace, name: boundedText(name) }, request);
    // There are many heads: each keeps what is short, and a long one is looked for again.
    [facts.touch, facts.name] = isLong ? NO_TOUCH : [touch, Buffer.from(scan.bytes.subarray(start, end))];
  }

  #noteObject(scan: EventScan, facts: HeadFacts, deed: Deed): void {
    const { verb, resource, issuedCredential } = facts;
    const made = facts.isLinked ? this.#lineage.add(scan, { ...deed, verb, resource, issuedCredential }) : undefined;
    if (facts.isRevised) {
      // With generateName only the answer's body tells the name.
      const name = boundedText(scan.text("objectRef.name") ?? "");
      const { level } = scan;
      this.#revisions.add(facts, { ...deed, verb, name: name === "" ? (made?.name ?? "") : name, level });
    }
  }

  #noteBootstrap(time: string): void {
    this.#bootstrapUntil =
      this.#bootstrapUntil === undefined || time > this.#bootstrapUntil ? time : this.#bootstrapUntil;
  }

  #place(log: string, offset: number): Place {
    if (log !== this.#log) {
      this.#log = log;
      this.#logStart = this.#logs.place(log, 0);
    }
    return this.#logStart + offset;
  }
}

/** Whether it certainly changed nothing. Only of what is a revision: a command in a pod or a token is no trial, whatever the URI says. */
function isTrial(scan: EventScan, verb: string): boolean {
  const isDeletion = verb === "delete" || verb === "deletecollection";
  const requestURI = scan.text("requestURI") ?? "";
  if (!isDeletion && !requestURI.includes("?")) {
    return false;
  }
  const requestObject = isDeletion ? (scan.value("requestObject") as JsonValue | undefined) : undefined;
  return isDryRun({ verb, requestURI, level: scan.level, requestObject }) === true;
}

const LONGEST_TIME = 64;

/** When the request came, as the log has it and in milliseconds since 1970. */
function requestTime(scan: EventScan): { readonly time: string; readonly ms: number } {
  const slot = scan.slotEnd(RECEIVED) === 0 ? STAGE_TIMESTAMP : RECEIVED;
  const start = scan.slotStart(slot) + 1;
  const end = scan.slotEnd(slot) - 1;
  const micros = end - start === TIME_BYTES ? textMicros(scan.bytes, start, end + 1) : NO_TIME;
  if (micros !== NO_TIME) {
    return { time: scan.bytes.toString("latin1", start, end), ms: Math.floor(micros / 1000) };
  }
  // No apiserver has written it: it is printed at many places, and sorted by.
  const time = safeText(scan.text("requestReceivedTimestamp") ?? scan.text("stageTimestamp") ?? "", LONGEST_TIME);
  return { time, ms: Date.parse(time) };
}

function isSame(bytes: Buffer, start: number, end: number, known: Buffer): boolean {
  const length = end - start;
  if (length !== known.length) {
    return false;
  }
  // Names differ most at their ends.
  for (let i = length - 1; i >= 0; i--) {
    if (bytes[start + i] !== known[i]) {
      return false;
    }
  }
  return true;
}

const NO_TOUCH: readonly [undefined, Buffer] = [undefined, Buffer.alloc(0)];
const NAME = slotOf("objectRef.name");
const REQUEST_URI = slotOf("requestURI");
const RECEIVED = slotOf("requestReceivedTimestamp");
const STAGE_TIMESTAMP = slotOf("stageTimestamp");
/** As apiservers write times: 2026-11-24T00:13:26.471919Z */
const TIME_BYTES = 27;
