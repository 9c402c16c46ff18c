import { isJsonObject } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import type { CorrelationHit } from "../correlation-hit.ts";
import type { Detection } from "../definition/detection.ts";
import type { DetectionException } from "../definition/detection-exception.ts";
import { listOf } from "../correlating/evidence-table.ts";
import type { EvidenceReader, EvidenceWriter } from "../correlating/evidence-table.ts";
import { areNamesOf, idOfNames, requestNames } from "../finding.ts";
import type { RequestNames } from "../finding.ts";
import type { FirstSeenKeys } from "../memory/first-seen.ts";
import type { Used } from "./use-order.ts";
import type { ShowEvent } from "../shown-event.ts";

/** What is known about one request and one detection; a held one keeps its event by `show`. */
export type Standing =
  | {
      readonly kind: "held";
      readonly show: ShowEvent;
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

/** Of requests of which nothing is known yet. */
export const NO_STANDINGS: ReadonlyMap<Detection, Standing> = new Map();
/** Longer names are told apart by what they digest to. */
const MOST_LETTERS = 512;

/** A request of which a later stage may still come. */
export class OpenRequest implements Used<OpenRequest> {
  /** Undefined where its events have none, and where a snapshot told of it: then it is in the key only. */
  readonly auditID: string | undefined;
  /** A snapshot told of it. */
  readonly isRestored: boolean;
  time: number;
  /** Whether its last stage was ResponseStarted. */
  isStream: boolean;
  before: OpenRequest | undefined;
  after: OpenRequest | undefined;
  #standings: ReadonlyMap<Detection, Standing> = NO_STANDINGS;
  /** While no other request has it too. */
  #own: Map<Detection, Standing> | undefined;
  /** So many of them are not settled. */
  #waiting = 0;
  readonly #apiserver: string;
  /** Texts of a moderate length, compared one by one; undefined where there is only the key. */
  readonly #names: readonly string[] | undefined;
  #key: string | undefined;

  /** Of the names of one of its events, or its key alone. */
  constructor(of: RequestNames | string, apiserver: string, auditID: string | undefined, time: number) {
    this.auditID = auditID;
    this.isRestored = typeof of === "string";
    this.time = time;
    this.isStream = false;
    this.before = undefined;
    this.after = undefined;
    this.#apiserver = apiserver;
    this.#names = typeof of !== "string" && areShortTexts(of) ? of : undefined;
    const hasNames = this.#names !== undefined;
    this.#key = hasNames ? undefined : typeof of === "string" ? of : idOfNames(of, apiserver);
  }

  get standings(): ReadonlyMap<Detection, Standing> {
    return this.#standings;
  }

  /** Whether nothing of it is waited for: it has the same map as others. */
  get isShared(): boolean {
    return this.#own === undefined;
  }

  /** Whether a later stage may say more of what is known. */
  get isWaiting(): boolean {
    return this.#waiting > 0;
  }

  /** Notes how a detection stands with it. */
  stand(detection: Detection, standing: Standing): void {
    if (this.#own === undefined) {
      this.#own = new Map(this.#standings);
      this.#standings = this.#own;
    }
    const before = this.#own.get(detection) ?? SETTLED;
    this.#waiting += (standing === SETTLED ? 0 : 1) - (before === SETTLED ? 0 : 1);
    this.#own.set(detection, standing);
  }

  /** From here on it has the same map as other requests, in which is what was in its own. */
  share(standings: ReadonlyMap<Detection, Standing>): void {
    this.#standings = standings;
    this.#own = undefined;
  }

  /** As `requestId` makes it, when somebody looks at it: of most requests nobody does. */
  get key(): string {
    return (this.#key ??= idOfNames(this.#names ?? [], this.#apiserver));
  }

  /** Whether the other one has the same key. */
  isSame(other: OpenRequest): boolean {
    const names = other.#names;
    return names === undefined || this.#apiserver !== other.#apiserver ? this.key === other.key : this.isOf(names);
  }

  /** Whether the event, which has its auditID, is a stage of it. */
  isOfEvent(event: AuditEvent): boolean {
    return this.#names === undefined ? this.isOf(requestNames(event)) : areNamesOf(this.#names, event);
  }

  /** Whether these are its names. */
  isOf(names: RequestNames): boolean {
    const own = this.#names;
    if (own === undefined) {
      return this.key === idOfNames(names, this.#apiserver);
    }
    for (let i = 0; i < own.length; i++) {
      if (own[i] !== names[i]) {
        return false;
      }
    }
    return true;
  }
}

function areShortTexts(names: RequestNames): names is readonly string[] {
  let letters = 0;
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    if (typeof name !== "string") {
      return false;
    }
    letters += name.length;
  }
  return letters <= MOST_LETTERS;
}

/** The request for a snapshot. */
export function writeRequest({ key, time, standings, isStream }: OpenRequest, evidence: EvidenceWriter): JsonValue {
  const written = [...standings].map(([detection, standing]) => [detection.id, writeStanding(standing, evidence)]);
  return [key, time, written, ...(isStream ? [true] : [])];
}

/** A request of a snapshot, with what it says of detections that `evidence` knows; undefined when that is nothing. */
export function readRequest(written: JsonValue, evidence: EvidenceReader): OpenRequest | undefined {
  const [key, time, standings, isStream] = listOf(written);
  const known = listOf(standings).flatMap((one): readonly (readonly [Detection, Standing])[] => {
    const [id, standing] = listOf(one);
    const detection = evidence.detection(id);
    const read = detection && readStanding(standing, detection, evidence);
    return detection && read ? [[detection, read]] : [];
  });
  if (typeof key !== "string" || typeof time !== "number" || known.length === 0) {
    return undefined;
  }
  const request = new OpenRequest(key, "", undefined, time);
  request.isStream = isStream === true;
  known.forEach(([detection, standing]) => request.stand(detection, standing));
  return request;
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
