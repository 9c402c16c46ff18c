import type { AuditEvent } from "@auditsieve/audit";
import type { FieldReader } from "../condition/evaluate.ts";
import { joinReadings, readHit } from "../correlation-hit.ts";
import type { HitReading } from "../correlation-hit.ts";
import type { Detection } from "../definition/detection.ts";
import { headOf } from "../reading/event-parts.ts";
import { exceptionFor } from "../definition/detection-exception.ts";
import { eventReader } from "../plan/field-readers.ts";
import type { LinkedCorrelation } from "../definition/link-correlations.ts";
import type { ClusterMemory } from "../memory/cluster-memory.ts";
import { PlainReader } from "./plain-reader.ts";
import type { ShowEvent } from "../shown-event.ts";

/** What correlations read of an event that a detection hits. */
export interface HitReadings {
  readonly readings: ReadonlyMap<Detection, HitReading>;
  /** Ids of exceptions by which correlations do not count it. */
  readonly excused: readonly string[];
}

const NONE: readonly string[] = [];

/** Reads events that detections hit for the correlations about those, also for those that are reached over others. */
export class HitReader {
  /** Hits whose group or value the log does not say, by the correlation's id. */
  readonly undecided: Map<string, number> = new Map<string, number>();
  readonly #byDetection: ReadonlyMap<Detection, readonly LinkedCorrelation[]>;
  readonly #plain = new Map<Detection, PlainReader | undefined>();

  constructor(byDetection: ReadonlyMap<Detection, readonly LinkedCorrelation[]>) {
    this.#byDetection = byDetection;
  }

  read(detection: Detection, event: AuditEvent, show: ShowEvent, memory: ClusterMemory | undefined): HitReadings {
    const readings = this.#plainOf(detection)?.read(event, headOf(event));
    return readings === undefined ? this.#readAll(detection, event, show, memory) : { readings, excused: NONE };
  }

  #plainOf(detection: Detection): PlainReader | undefined {
    const known = this.#plain.get(detection);
    return known === undefined && !this.#plain.has(detection) ? this.#newPlain(detection) : known;
  }

  #newPlain(detection: Detection): PlainReader | undefined {
    const linked = this.#byDetection.get(detection) ?? [];
    const isPlain = linked.every((one) => !one.detection.exceptions && !this.#byDetection.has(one.detection));
    const made = isPlain ? PlainReader.of(detection, linked) : undefined;
    this.#plain.set(detection, made);
    return made;
  }

  #readAll(detection: Detection, event: AuditEvent, show: ShowEvent, memory: ClusterMemory | undefined): HitReadings {
    const reader = eventReader(event);
    let remembering: FieldReader | undefined;
    let shownReader: FieldReader | undefined;
    const shown = (): FieldReader | undefined => {
      const event = shownReader === undefined ? show()?.event : undefined;
      return (shownReader ??= event && eventReader(event));
    };
    const readings = new Map<Detection, HitReading>();
    const seen = new Set<Detection>();
    const excused: string[] = [];
    const read = (child: Detection): void => {
      if (seen.has(child)) {
        return;
      }
      seen.add(child);
      for (const linked of this.#byDetection.get(child) ?? []) {
        const { exceptions } = linked.detection;
        const exception = exceptions && exceptionFor(exceptions, event, (remembering ??= eventReader(event, memory)));
        const reading = exception ? undefined : readHit(linked, child, reader, shown);
        if (exception) {
          excused.push(exception.id);
          continue;
        }
        if (reading) {
          const before = readings.get(linked.detection);
          const isOther = before !== undefined && JSON.stringify(before) !== JSON.stringify(reading);
          readings.set(linked.detection, isOther ? joinReadings([before, reading]) : reading);
        } else if (event.stage !== "RequestReceived") {
          // A later stage of the request may say it.
          const { id } = linked.detection;
          this.undecided.set(id, (this.undecided.get(id) ?? 0) + 1);
        }
        read(linked.detection);
      }
    };
    read(detection);
    return { readings, excused };
  }
}
