import { isJsonObject } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import type { CorrelationHit } from "./correlation-hit.ts";
import type { Detection } from "./detection.ts";
import type { DetectionException } from "./exceptions/detection-exception.ts";
import { listOf } from "./evidence-table.ts";
import type { EvidenceReader, EvidenceWriter } from "./evidence-table.ts";
import { idOfKey } from "./finding.ts";
import type { FirstSeenKeys } from "./first-seen.ts";
import type { Used } from "./use-order.ts";

/** What is known about one request and one detection; a held one keeps its event by `show`. */
export type Standing =
  | {
      readonly kind: "held";
      readonly show: () => AuditEvent;
      readonly length: number;
      readonly hit: CorrelationHit | undefined;
      readonly keys: FirstSeenKeys | undefined;
      /** What excuses it, as far as its event says. */
      readonly exception: DetectionException | undefined;
    }
  | { readonly kind: "undecided" }
  | { readonly kind: "settled" };

export const SETTLED: Standing = { kind: "settled" };
export const UNDECIDED: Standing = { kind: "undecided" };

/** A request of which a later stage may still come. */
export class OpenRequest implements Used<OpenRequest> {
  /** Undefined where a snapshot told of it: then it is in the key only. */
  readonly auditID: string | undefined;
  time: number;
  readonly standings: Map<Detection, Standing>;
  before: OpenRequest | undefined;
  after: OpenRequest | undefined;
  #name: string;
  #isKey: boolean;

  /** `name` is its key where `isKey`, else what `requestKey` gives: then the key is made when somebody looks at it. */
  constructor(
    name: string,
    isKey: boolean,
    auditID: string | undefined,
    time: number,
    standings: Map<Detection, Standing>,
  ) {
    this.#name = name;
    this.#isKey = isKey;
    this.auditID = auditID;
    this.time = time;
    this.standings = standings;
    this.before = undefined;
    this.after = undefined;
  }

  /** As `requestId` makes it. */
  get key(): string {
    if (!this.#isKey) {
      this.#name = idOfKey(this.#name);
      this.#isKey = true;
    }
    return this.#name;
  }
}

/** The request for a snapshot. */
export function writeRequest({ key, time, standings }: OpenRequest, evidence: EvidenceWriter): JsonValue {
  return [key, time, [...standings].map(([detection, standing]) => [detection.id, writeStanding(standing, evidence)])];
}

/** A request of a snapshot, with what it says of detections that `evidence` knows; undefined when that is nothing. */
export function readRequest(written: JsonValue, evidence: EvidenceReader): OpenRequest | undefined {
  const [key, time, standings] = listOf(written);
  const known = listOf(standings).flatMap((one): readonly (readonly [Detection, Standing])[] => {
    const [id, standing] = listOf(one);
    const detection = evidence.detection(id);
    const read = detection && readStanding(standing, detection, evidence);
    return detection && read ? [[detection, read]] : [];
  });
  return typeof key === "string" && typeof time === "number" && known.length > 0
    ? new OpenRequest(key, true, undefined, time, new Map(known))
    : undefined;
}

function writeStanding(standing: Standing, evidence: EvidenceWriter): JsonValue {
  if (standing.kind !== "held") {
    return standing.kind;
  }
  const { show, length, hit, keys, exception } = standing;
  return {
    event: evidence.event(show),
    length,
    ...(hit && { hit: evidence.hit(hit) }),
    ...(exception && { exception: exception.id }),
    ...(keys && { keys: keys.map(({ group, tuple }) => [group, tuple]) }),
  };
}

function readStanding(
  written: JsonValue | undefined,
  { exceptions }: Detection,
  evidence: EvidenceReader,
): Standing | undefined {
  if (!isJsonObject(written)) {
    return written === "settled" ? SETTLED : written === "undecided" ? UNDECIDED : undefined;
  }
  const { event, length, hit, keys, exception } = written;
  const show = evidence.event(event);
  if (show === undefined || typeof length !== "number") {
    return undefined;
  }
  const read = listOf(keys).flatMap((pair) => {
    const [group, tuple] = listOf(pair);
    return typeof group === "string" && typeof tuple === "string" ? [{ group, tuple }] : [];
  });
  return {
    kind: "held",
    show,
    length,
    hit: evidence.hit(hit),
    keys: keys === undefined ? undefined : read,
    exception: exceptions?.find(({ id }) => id === exception),
  };
}
