import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { isJsonObject } from "@auditsieve/audit";
import type { CorrelationHit, Evidence, Group, HitReading } from "../correlation-hit.ts";
import type { Detection } from "../definition/detection.ts";
import { listParts, objectParts } from "../json-parts.ts";
import { ShownEvent } from "../shown-event.ts";
import type { ShowEvent } from "../shown-event.ts";

/** How what shows an event is written into a snapshot, and made anew from it. */
export interface EventCodec {
  readonly write: (show: ShowEvent) => JsonValue;
  readonly read: (written: JsonValue) => ShowEvent;
}

/** Writes the event as it may leave. */
export const SHOWN_EVENTS: EventCodec = {
  // As text: nobody knows how deeply it is nested.
  write: (show) => show()?.json ?? null,
  read: (written) => () =>
    isJsonObject(written)
      ? ShownEvent.of(written as unknown as AuditEvent)
      : typeof written === "string"
        ? ShownEvent.ofJson(written)
        : undefined,
};

/** Events and hits of a snapshot that is being written: each is in it once, however many windows hold it. */
export class EvidenceWriter {
  readonly #codec: EventCodec;
  /** In the order of their numbers. */
  readonly #events = new Map<ShowEvent, number>();
  readonly #hits = new Map<CorrelationHit, number>();

  constructor(codec: EventCodec) {
    this.#codec = codec;
  }

  /** Number of the event in the snapshot. */
  event(show: ShowEvent): number {
    return numberIn(this.#events, show);
  }

  /** Number of the hit in the snapshot. */
  hit(hit: CorrelationHit): number {
    return numberIn(this.#hits, hit);
  }

  /** What `event` and `hit` have numbered: as text, in parts. */
  written(): Iterable<string> {
    return objectParts({
      hits: () => listParts(this.#hits.keys(), (hit) => this.#write(hit)),
      // Behind the hits, which name further ones.
      events: () => listParts(this.#events.keys(), (show) => this.#codec.write(show)),
    });
  }

  #write({ time, id, detection, readings, evidence, excused }: CorrelationHit): JsonValue {
    return [
      time,
      id,
      detection.id,
      [...readings].map(([detection, { groups, values }]) => [
        detection.id,
        groups.map(({ key, values: of }) => [key, [...of]]),
        values.map((tuple) => [...tuple]),
      ]),
      evidence.map(({ request, show, length }) => [request, this.event(show), length]),
      [...excused],
    ];
  }
}

function numberIn<T>(numbers: Map<T, number>, one: T): number {
  let number = numbers.get(one);
  if (number === undefined) {
    number = numbers.size;
    numbers.set(one, number);
  }
  return number;
}

/** Events and hits of a snapshot that is read. Numbers and names that are not there are undefined. */
export class EvidenceReader {
  readonly #detections: ReadonlyMap<string, Detection>;
  readonly #shows: readonly ShowEvent[];
  readonly #hits: readonly (CorrelationHit | undefined)[];

  /** `detections`: those whose state is taken over, by id. */
  constructor(written: JsonValue | undefined, codec: EventCodec, detections: ReadonlyMap<string, Detection>) {
    const { events, hits } = isJsonObject(written) ? written : {};
    this.#detections = detections;
    this.#shows = listOf(events).map((event) => codec.read(event));
    this.#hits = listOf(hits).map((hit) => this.#readHit(listOf(hit)));
  }

  detection(id: JsonValue | undefined): Detection | undefined {
    return typeof id === "string" ? this.#detections.get(id) : undefined;
  }

  event(number: JsonValue | undefined): ShowEvent | undefined {
    return typeof number === "number" ? this.#shows[number] : undefined;
  }

  hit(number: JsonValue | undefined): CorrelationHit | undefined {
    return typeof number === "number" ? this.#hits[number] : undefined;
  }

  #readHit([time, id, detectionId, readings, evidence, excused]: readonly JsonValue[]): CorrelationHit | undefined {
    const detection = this.detection(detectionId);
    if (detection === undefined || typeof time !== "number" || typeof id !== "string") {
      return undefined;
    }
    return {
      time,
      id,
      detection,
      readings: new Map(
        listOf(readings).flatMap((reading): readonly (readonly [Detection, HitReading])[] => {
          const [of, groups, values] = listOf(reading);
          const detection = this.detection(of);
          return detection === undefined
            ? []
            : [[detection, { groups: listOf(groups).map(readGroup), values: listOf(values).map(textsOf) }]];
        }),
      ),
      evidence: listOf(evidence).flatMap((one): readonly Evidence[] => {
        const [request, number, length] = listOf(one);
        const show = this.event(number);
        return typeof request === "string" && typeof length === "number" && show ? [{ request, show, length }] : [];
      }),
      excused: textsOf(excused),
    };
  }
}

/** A group as {@link EvidenceWriter} writes it. */
export function readGroup(written: JsonValue | undefined): Group {
  const [key, values] = listOf(written);
  return { key: typeof key === "string" ? key : "", values: textsOf(values) };
}

export function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}

export function textsOf(value: JsonValue | undefined): readonly string[] {
  return listOf(value).filter((text) => typeof text === "string");
}
