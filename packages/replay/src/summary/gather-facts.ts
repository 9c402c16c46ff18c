import type { EventScan } from "@auditsieve/audit";
import { RevisionTable } from "../history/revisions.ts";
import type { RevisionsSnapshot } from "../history/revisions.ts";
import type { Allowed } from "../history/rights.ts";
import { RightsTable } from "../history/rights.ts";
import type { ReplayedEvent, ReplayVisitor } from "../replayed-event.ts";
import { Lineage } from "../stories/lineage.ts";
import type { LineageSnapshot } from "../stories/lineage.ts";
import { resourceOf } from "../stories/made-object.ts";
import { HeadReader } from "./event-head.ts";
import { LogNumbers } from "./read-events.ts";
import { isWrite, SessionTable } from "./sessions.ts";
import type { SessionsSnapshot } from "./sessions.ts";
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
  /** The logs by the numbers that places have. */
  readonly logs: readonly string[];
}

/** A session is the same object in all tables, which serialising them together keeps. */
interface FactsSnapshot {
  readonly logs: Map<string, number>;
  readonly sessions: SessionsSnapshot;
  readonly lineage: LineageSnapshot;
  readonly revisions: RevisionsSnapshot;
  readonly rights: Map<string, Allowed>;
  readonly times: TimesSnapshot;
  readonly streams: Set<string>;
  readonly bootstrapUntil: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

const STREAMS: ReadonlySet<string> = new Set(["exec", "attach", "portforward"]);
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
    } satisfies FactsSnapshot;
  }

  restore(snapshot: unknown): void {
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
      logs: this.#logs.names(),
    };
  }

  event({ scan, log, offset }: ReplayedEvent): void {
    if (scan.stage === "RequestReceived") {
      return;
    }
    const code = scan.code ?? 0;
    const subresource = scan.text("objectRef.subresource") ?? "";
    if (!this.#isAnswer(scan, code, subresource)) {
      return;
    }
    const place = this.#logs.place(log, offset);
    const time = scan.text("requestReceivedTimestamp") ?? scan.text("stageTimestamp") ?? "";
    const verb = scan.text("verb") ?? "";
    const isResource = scan.has("objectRef");
    const resource = isResource ? resourceOf(scan) : (scan.text("requestURI") ?? "").replace(/\?.*$/s, "");
    const namespace = scan.text("objectRef.namespace") ?? "";
    const name = scan.text("objectRef.name") ?? "";
    const identity = this.#head.user(scan);
    const session = this.#sessions.add({
      identity,
      impersonated: this.#head.impersonated(scan),
      sourceIP: this.#head.sourceIP(scan),
      userAgent: this.#head.userAgent(scan),
      time,
      place,
      verb,
      resource,
      namespace,
      name,
      code,
    });
    const isRefused = code === 401 || code === 403;
    this.#times.add(time, isWrite(verb), isRefused);
    this.#from = this.#from === undefined || time < this.#from ? time : this.#from;
    this.#to = this.#to === undefined || time > this.#to ? time : this.#to;
    const { reason, issuedCredential } = this.#head.annotations(scan);
    if (reason !== undefined && reason !== "" && !isRefused) {
      this.#rights.add(session, reason, time, place);
    }
    if (isResource && code < 400) {
      const deed = { session, time, place };
      const made = this.#lineage.add(scan, { ...deed, verb, resource, issuedCredential });
      if (isWrite(verb)) {
        // With generateName only the answer's body tells the name.
        this.#revisions.add(scan, { ...deed, verb, name: name === "" ? (made?.name ?? "") : name });
        this.#noteBootstrap(identity.name, resource, time);
      }
    }
  }

  /** One event of each request: the last stage, or of a stream that may last for hours the first that has an answer. */
  #isAnswer(scan: EventScan, code: number, subresource: string): boolean {
    const isStream = STREAMS.has(subresource);
    if (scan.stage === "ResponseStarted") {
      if (isStream && this.#streams.size < MOST_STREAMS) {
        this.#streams.add(scan.text("auditID") ?? "");
        return true;
      }
      // A failed authentication is this one event; a watch is counted when it ends.
      return code === 401;
    }
    return !(isStream && this.#streams.delete(scan.text("auditID") ?? ""));
  }

  #noteBootstrap(actor: string, resource: string, time: string): void {
    if (actor === "system:apiserver" && resource === "clusterroles.rbac.authorization.k8s.io") {
      this.#bootstrapUntil =
        this.#bootstrapUntil === undefined || time > this.#bootstrapUntil ? time : this.#bootstrapUntil;
    }
  }
}
