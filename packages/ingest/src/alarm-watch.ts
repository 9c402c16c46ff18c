import type { AuditEvent, EventScan } from "@auditsieve/audit";
import { documentId } from "@auditsieve/audit";
import type { Finding } from "@auditsieve/detect";
import { safeText } from "@auditsieve/detect/safe-text";
import { AuditIdMemory } from "./alarm-audit-ids.ts";
import { NoiseWatch } from "./alarm-noise.ts";
import type { NoiseReceipt } from "./receipt-book.ts";
import type { Delivery } from "./sink.ts";
import { isTimestamp } from "./timestamp.ts";

export interface EventWatchOptions {
  readonly cluster: string;
  readonly idKey: Uint8Array;
  readonly watchesAuditIds?: boolean;
  readonly onAlarm?: (alarm: { readonly kind: string; readonly message: string }) => void;
}

/** Its file among the shipped detections would need a condition over two events. */
const AUDIT_ID_DETECTION: Finding["detection"] = {
  id: "0a6e7f52-52f7-4f0c-9c5c-6b0f7f0f4d3e",
  title: "Audit-ID used again for another request",
  level: "medium",
  techniques: ["T1036"],
};
const BOOTSTRAP_PATH = Buffer.from('"/apis/rbac.authorization.k8s.io/v1/clusterroles');
const APISERVER = Buffer.from('"system:apiserver"');
const LIST = Buffer.from('"list"');
const QUOTE = 34;
const QUESTION_MARK = 63;
const MAX_TOLD = 1000;
const MAX_TEXT = 200;

/** Watches for what no single event shows: auditIDs that come again, an apiserver that starts anew, noise that stops. */
export class EventWatch {
  readonly #options: EventWatchOptions;
  readonly #auditIds: AuditIdMemory | undefined;
  readonly #noise = new Map<number, NoiseWatch>();
  /** Ids of the last findings: the stages of one request make one. */
  readonly #told = new Set<string>();

  constructor(options: EventWatchOptions) {
    this.#options = options;
    this.#auditIds = options.watchesAuditIds === true ? new AuditIdMemory() : undefined;
  }

  /** Looks at the event that `scan` holds. True: {@link finding} may make one of it. */
  isSuspicious(scan: EventScan): boolean {
    if (this.#options.onAlarm !== undefined && isBootstrap(scan)) {
      const time = scan.text("stageTimestamp");
      const at = isTimestamp(time) ? ` at ${time}` : "";
      this.#options.onAlarm({
        kind: "apiserver-start",
        message: `An apiserver has started${at}: what it did before may be missing`,
      });
    }
    return this.#auditIds?.isUsedAgain(scan) === true && scan.stage !== "RequestReceived";
  }

  /** The finding about a (redacted) event whose auditID another request had; undefined when it was told of already. */
  finding(event: AuditEvent): Finding | undefined {
    const { cluster, idKey } = this.#options;
    const { auditID, requestReceivedTimestamp, user, verb, requestURI } = event;
    const key = JSON.stringify([
      AUDIT_ID_DETECTION.id,
      auditID,
      requestReceivedTimestamp,
      user?.username,
      verb,
      requestURI,
    ]);
    const id = documentId(idKey, cluster, Buffer.from(key));
    if (this.#told.has(id)) {
      return undefined;
    }
    this.#told.add(id);
    if (this.#told.size > MAX_TOLD) {
      this.#told.delete([...this.#told][0] ?? "");
    }
    const actor = user?.username;
    const code = event.responseStatus?.code;
    this.#options.onAlarm?.({
      kind: "audit-id-used-again",
      message: "Two requests have the same Audit-ID: a client chose it; a finding names them",
    });
    return {
      id,
      detection: AUDIT_ID_DETECTION,
      time: requestReceivedTimestamp ?? event.stageTimestamp ?? "",
      ...(actor !== undefined && { actor }),
      summary: safeText(`${actor ?? "?"}: ${verb} ${requestURI} under an Audit-ID that another request had`, MAX_TEXT),
      outcome:
        code === undefined ? "unknown" : code === 401 || code === 403 ? "denied" : code >= 400 ? "failure" : "success",
      ...(code !== undefined && { code }),
      auditIDs: [auditID],
      events: [event],
    };
  }

  /** Receipts of one range go out. */
  receipts(receipts: readonly Delivery[], outlet: number): void {
    const { onAlarm } = this.#options;
    if (onAlarm === undefined) {
      return;
    }
    const watch = this.#noise.get(outlet) ?? new NoiseWatch();
    this.#noise.set(outlet, watch);
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
  if (
    scan.stage !== "ResponseComplete" ||
    !startsWith(scan, "user.username", APISERVER) ||
    !startsWith(scan, "verb", LIST)
  ) {
    return false;
  }
  const behind = scan.valueStart("requestURI") + BOOTSTRAP_PATH.length;
  const next = scan.bytes[behind];
  return startsWith(scan, "requestURI", BOOTSTRAP_PATH) && (next === QUOTE || next === QUESTION_MARK);
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
