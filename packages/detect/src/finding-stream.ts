import type { AuditEvent } from "@auditsieve/audit";
import type { CorrelationHit } from "./correlation-hit.ts";
import { Correlator } from "./correlator.ts";
import type { CorrelatorOptions } from "./correlator.ts";
import type { Detection } from "./detection.ts";
import type { DetectionEngine } from "./detection-engine.ts";
import { digest, requestKey, writeFinding } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { headOf } from "./head-view.ts";

/** How a {@link FindingStream} works; every bound has a default. */
export interface FindingStreamOptions extends CorrelatorOptions {
  /** Names the apiserver that wrote the events: several may use one auditID. Default "". */
  readonly apiserver?: string;
  /** Most requests remembered at a time. Default 50,000. */
  readonly maxRequests?: number;
  /** Most characters of events held for a later stage. Default 64 Mi. */
  readonly maxHeldLength?: number;
  /** Event time after which a request without a later stage is let go. Default 10 minutes. */
  readonly holdMs?: number;
}

/** What a stream could not say, and what it forgot to stay within its bounds. */
export interface FindingStreamCounts {
  readonly findings: number;
  /** Requests that a detection could not decide, by detection id. */
  readonly undecided: Readonly<Record<string, number>>;
  /** Requests let go early because too many, or too large ones, were open. */
  readonly evicted: number;
  /** Hits that came too late for the correlations that count them. */
  readonly late: number;
  /** Hits that correlations forgot before their window was over. */
  readonly correlationEvicted: number;
}

/** What is known about one request and one detection; a held one keeps its event by `show`. */
type Standing =
  | {
      readonly kind: "held";
      readonly show: () => AuditEvent;
      readonly length: number;
      readonly hit: CorrelationHit | undefined;
    }
  | { readonly kind: "undecided" }
  | { readonly kind: "settled" };

interface OpenRequest {
  readonly key: string;
  time: number;
  readonly standings: Map<Detection, Standing>;
}

const SETTLED: Standing = { kind: "settled" };
const UNDECIDED: Standing = { kind: "undecided" };

/**
 * Turns events into findings: one per request and detection although several stages of the request match. A hit at
 * RequestReceived waits for the next stage of its request, which says more; what never gets one is let go after
 * `holdMs` of event time, or by `flush`. Live and replay use this same class.
 *
 * @example
 * const { detections } = loadDetections(`
 * title: Nodes deleted
 * id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
 * level: medium
 * logsource: { product: kubernetes, service: audit }
 * detection: { selection: { verb: delete, objectRef.resource: nodes }, condition: selection }
 * `, "nodes-deleted.yml");
 * const stream = new FindingStream(new DetectionEngine(detections));
 * const event = { level: "Metadata", auditID: "a", stage: "RequestReceived", requestURI: "/api/v1/nodes/n", verb: "delete",
 *   user: { username: "eve" }, objectRef: { resource: "nodes", name: "n" } };
 * assert.deepEqual(stream.push(event), []);
 * const [finding] = stream.push({ ...event, stage: "ResponseComplete", responseStatus: { code: 200 } });
 * assert.equal(finding?.summary, "eve: delete node n (delete, 200)");
 * assert.deepEqual(stream.flush(), []);
 */
export class FindingStream {
  readonly #engine: DetectionEngine;
  readonly #correlator: Correlator;
  readonly #apiserver: string;
  readonly #maxRequests: number;
  readonly #maxHeldLength: number;
  readonly #holdMs: number;
  /** In order of last use. */
  readonly #open = new Map<string, OpenRequest>();
  readonly #undecided = new Map<string, number>();
  #heldLength = 0;
  #findings = 0;
  #evicted = 0;

  constructor(engine: DetectionEngine, options: FindingStreamOptions = {}) {
    this.#engine = engine;
    this.#correlator = new Correlator(engine.linked, options);
    this.#apiserver = options.apiserver ?? "";
    this.#maxRequests = options.maxRequests ?? 50_000;
    this.#maxHeldLength = options.maxHeldLength ?? 64 * 1024 * 1024;
    this.#holdMs = options.holdMs ?? 600_000;
  }

  /**
   * Takes the next event and gives the findings that are ready. `show` makes the event that a finding may carry
   * (redacted); it is called for findings only. Pass `candidates` when the engine has been asked for them already.
   */
  push(event: AuditEvent, show: () => AuditEvent = () => event, candidates?: readonly Detection[]): readonly Finding[] {
    const time = Date.parse(event.stageTimestamp ?? event.requestReceivedTimestamp ?? "");
    const findings = Number.isNaN(time) ? [] : this.#letGo(time);
    findings.push(...this.#counted(this.#correlator.advance(event.stageTimestamp ?? event.requestReceivedTimestamp)));
    const asked = candidates ?? this.#engine.candidates(headOf(event));
    if (asked.length === 0) {
      return findings;
    }
    const verdicts = new Map(this.#engine.evaluate(event, asked).map(({ detection, outcome }) => [detection, outcome]));
    const key = digest(requestKey(event, this.#apiserver));
    const known = this.#open.get(key);
    if (!known && verdicts.size === 0) {
      return findings;
    }
    const request = known ?? { key, time, standings: new Map<Detection, Standing>() };
    request.time = Number.isNaN(time) ? request.time : time;
    this.#open.delete(key);
    this.#open.set(key, request);
    for (const detection of new Set([...request.standings.keys(), ...verdicts.keys()])) {
      findings.push(...this.#settle(request, detection, verdicts.get(detection) ?? "miss", event, show));
    }
    for (const oldest of this.#open.values()) {
      if (this.#open.size <= this.#maxRequests && this.#heldLength <= this.#maxHeldLength) {
        break;
      }
      this.#evicted++;
      findings.push(...this.#close(oldest));
    }
    return findings;
  }

  /** Lets go of every open request; call it when the input ends. */
  flush(): readonly Finding[] {
    const findings = [...this.#open.values()].flatMap((request) => this.#close(request));
    return [...findings, ...this.#counted(this.#correlator.flush())];
  }

  /** The counts so far. A request that has only RequestReceived in the log is not counted as undecided. */
  counts(): FindingStreamCounts {
    const { late, evicted, undecided } = this.#correlator.counts();
    return {
      findings: this.#findings,
      undecided: Object.fromEntries([...this.#undecided, ...undecided]),
      evicted: this.#evicted,
      late,
      correlationEvicted: evicted,
    };
  }

  #settle(
    request: OpenRequest,
    detection: Detection,
    outcome: "hit" | "miss" | "unknown",
    event: AuditEvent,
    show: () => AuditEvent,
  ): readonly Finding[] {
    const before = request.standings.get(detection);
    if (before?.kind === "settled") {
      return [];
    }
    if (event.stage === "RequestReceived") {
      if (outcome === "hit" && !before) {
        const { length } = JSON.stringify(event);
        this.#heldLength += length;
        const hit = this.#correlator.hitOf(detection, event, request.key, show);
        request.standings.set(detection, { kind: "held", show, length, hit });
      }
      return [];
    }
    if (outcome === "unknown" && before?.kind !== "held" && event.stage === "ResponseStarted") {
      request.standings.set(detection, UNDECIDED);
      return [];
    }
    request.standings.set(detection, SETTLED);
    this.#heldLength -= before?.kind === "held" ? before.length : 0;
    if (outcome === "unknown" && before?.kind !== "held") {
      this.#countUndecided(detection);
      return [];
    }
    return outcome === "miss"
      ? []
      : this.#write(request, detection, show, this.#correlator.hitOf(detection, event, request.key, show));
  }

  /** Closes requests whose last event is further than the bound from `now`, in either direction: clocks err too. */
  #letGo(now: number): Finding[] {
    const findings: Finding[] = [];
    for (const request of this.#open.values()) {
      if (Math.abs(now - request.time) <= this.#holdMs) {
        break;
      }
      findings.push(...this.#close(request));
    }
    return findings;
  }

  #close(request: OpenRequest): readonly Finding[] {
    this.#open.delete(request.key);
    return [...request.standings].flatMap(([detection, standing]) => {
      if (standing.kind === "undecided") {
        this.#countUndecided(detection);
      }
      if (standing.kind !== "held") {
        return [];
      }
      this.#heldLength -= standing.length;
      return this.#write(request, detection, standing.show, standing.hit);
    });
  }

  #countUndecided(detection: Detection): void {
    this.#undecided.set(detection.id, (this.#undecided.get(detection.id) ?? 0) + 1);
  }

  #write(
    request: OpenRequest,
    detection: Detection,
    show: () => AuditEvent,
    hit: CorrelationHit | undefined,
  ): readonly Finding[] {
    const correlated = hit ? this.#counted(this.#correlator.add(hit)) : [];
    if (this.#correlator.isSilent(detection)) {
      return correlated;
    }
    this.#findings++;
    return [writeFinding(detection, digest(detection.id, request.key), show()), ...correlated];
  }

  #counted(findings: readonly Finding[]): readonly Finding[] {
    this.#findings += findings.length;
    return findings;
  }
}
