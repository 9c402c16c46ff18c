import type { AuditEvent, EventScan } from "@auditsieve/audit";
import type { DetectionEngine, Finding, ShownEvent } from "@auditsieve/detect";
import { safeText } from "@auditsieve/detect/safe-text";
import type { LinePlaces } from "../lines/line-shape.ts";
import type { AlikeNumbers } from "./audit-id-memory.ts";
import { AuditIdWatch } from "./audit-id-watch.ts";
import { NoiseWatch } from "./alarm-noise.ts";
import type { NoiseReceipt } from "../receipts/receipt-book.ts";
import type { Delivery } from "../sink.ts";
import { isTimestamp } from "../timestamp.ts";
import type { WatchMemory } from "./watch-memory.ts";

export interface AlarmWatchOptions {
  readonly detections?: DetectionEngine;
  readonly onAlarm?: (alarm: { readonly kind: string; readonly message: string }) => void;
  /** The clock on the wall. Default: the machine's. */
  readonly now?: (() => Date) | undefined;
  /** Where it is kept over restarts what the watch has seen. Without it the watch begins anew. */
  readonly memory?: WatchMemory | undefined;
}

const BOOTSTRAP_PATH = Buffer.from('"/apis/rbac.authorization.k8s.io/v1/clusterroles');
const APISERVER = Buffer.from('"system:apiserver"');
const LIST = Buffer.from('"list"');
const QUOTE = 34;
const QUESTION_MARK = 63;
const MAX_TEXT = 200;

/** What {@link AlarmWatch.noteAlike} needs of events that are alike. */
export interface AlikeEvents {
  readonly numbers: AlikeNumbers | undefined;
}

/** Watches for what no single event shows: auditIDs that come again, an apiserver that starts anew, noise that stops. */
export class AlarmWatch {
  readonly #options: AlarmWatchOptions;
  readonly #auditIds: AuditIdWatch | undefined;
  /** By sink. */
  readonly #noise = new Map<string, NoiseWatch>();

  constructor(options: AlarmWatchOptions) {
    this.#options = options;
    this.#auditIds = options.detections && AuditIdWatch.of(options.detections.detections, options.memory?.auditIds);
  }

  /** Looks at the event that `scan` holds. True: {@link findings} may make one of it. */
  isSuspicious(scan: EventScan): boolean {
    if (this.#options.onAlarm !== undefined && isBootstrap(scan)) {
      const time = scan.text("stageTimestamp");
      const at = isTimestamp(time) ? ` at ${time}` : "";
      this.#options.onAlarm({
        kind: "apiserver-start",
        message: `An apiserver has started${at}: what it did before may be missing`,
      });
    }
    return this.#auditIds?.isUsedAgain(scan) === true;
  }

  /** For {@link noteAlike}, of the event that `scan` holds; undefined where each like it must be looked at. */
  alike(scan: EventScan): AlikeEvents | undefined {
    const mayBeBootstrap = this.#options.onAlarm !== undefined && isBootstrapper(scan);
    return mayBeBootstrap ? undefined : { numbers: this.#auditIds?.alike(scan) };
  }

  /** Notes an event that is like another one. False, and nothing is noted, where {@link isSuspicious} must look at it. */
  noteAlike({ numbers }: AlikeEvents, places: LinePlaces): boolean {
    return numbers === undefined || this.#auditIds?.noteAlike(numbers, places) !== false;
  }

  /** The finding about an event whose auditID another request had; `show` gives it redacted. */
  findings(event: AuditEvent, show: () => ShownEvent): readonly Finding[] {
    const findings = this.#auditIds?.findings(event, show) ?? [];
    if (findings.length > 0) {
      this.#options.onAlarm?.({
        kind: "audit-id-used-again",
        message: "Two requests have the same Audit-ID: a client chose it; a finding names them",
      });
    }
    return findings;
  }

  /** Those of the stream's findings that the watch does not find itself. */
  without(findings: readonly Finding[]): readonly Finding[] {
    const watch = this.#auditIds;
    return watch === undefined || findings.length === 0
      ? findings
      : findings.filter((finding) => !watch.replaces(finding));
  }

  /** Receipts of one range go out to a sink. */
  receipts(receipts: readonly Delivery[], sink: string): void {
    const { onAlarm, memory, now } = this.#options;
    if (onAlarm === undefined) {
      return;
    }
    const watch = this.#noise.get(sink) ?? new NoiseWatch(memory?.noise.before(sink), now);
    this.#noise.set(sink, watch);
    memory?.noise.noted(sink, () => watch.snapshot());
    const parsed = receipts.map(({ document }) => JSON.parse(document.toString("utf8")) as NoiseReceipt);
    for (const { actor, verb, resource, minutes, last } of watch.note(parsed)) {
      const what = safeText(`${actor} ${verb} ${resource}`, MAX_TEXT);
      onAlarm({
        kind: "noise-stopped",
        message: `Steady noise has stopped: ${what}, seen in each of ${minutes} minutes until ${last}`,
      });
    }
  }
}

/** The list of all cluster roles by which an apiserver begins to reconcile them, once when it starts. */
function isBootstrap(scan: EventScan): boolean {
  if (!isBootstrapper(scan)) {
    return false;
  }
  const behind = scan.valueStart("requestURI") + BOOTSTRAP_PATH.length;
  const next = scan.bytes[behind];
  return startsWith(scan, "requestURI", BOOTSTRAP_PATH) && (next === QUOTE || next === QUESTION_MARK);
}

function isBootstrapper(scan: EventScan): boolean {
  return (
    scan.stage === "ResponseComplete" && startsWith(scan, "user.username", APISERVER) && startsWith(scan, "verb", LIST)
  );
}

function startsWith(scan: EventScan, field: "user.username" | "verb" | "requestURI", expected: Buffer): boolean {
  const start = scan.valueStart(field);
  if (scan.valueEnd(field) - start < expected.length) {
    return false;
  }
  for (let i = 0; i < expected.length; i++) {
    if (scan.bytes[start + i] !== expected[i]) {
      return false;
    }
  }
  return true;
}
