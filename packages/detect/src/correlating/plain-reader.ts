import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import type { FieldPath } from "../condition/field-path.ts";
import { isMeasured, pathsOf } from "../definition/correlation.ts";
import type { CorrelationField } from "../definition/correlation.ts";
import { areOpen, MAX_LENGTH, PLAIN_ROOTS } from "../correlation-hit.ts";
import type { Group, HitReading } from "../correlation-hit.ts";
import type { Detection } from "../definition/detection.ts";
import { rootOf } from "../reading/event-parts.ts";
import { repeatedDigest } from "../finding.ts";
import { HEAD_FIELDS } from "../reading/head-view.ts";
import type { HeadField, HeadView } from "../reading/head-view.ts";
import type { LinkedCorrelation } from "../definition/link-correlations.ts";

type Readings = ReadonlyMap<Detection, HitReading>;

interface PlainCorrelation {
  readonly detection: Detection;
  readonly groupBy: readonly FieldPath[];
  readonly fields: readonly FieldPath[];
  /** Whether their values are kept as they are; else told apart by a digest. */
  readonly isOpen: boolean;
  /** By the values of `groupBy`. */
  readonly known: Map<string, HitReading>;
}

/** Of as many groups a correlation remembers what they are called. */
const MAX_KNOWN = 512;
const OF_HEAD: ReadonlySet<string> = new Set(HEAD_FIELDS.filter((field) => field.split(".").length <= 2));
const AUDIT_ID = "auditID";
const NONE: readonly string[] = [];

/**
 * Reads the hits of one detection where correlations ask for single texts of the head only, as almost all do: the same as
 * `readHit`, from what is remembered of other hits of the same groups.
 */
export class PlainReader {
  readonly #correlations: readonly PlainCorrelation[];
  /** Of the hit that was read last: often another one of the same groups follows. */
  #last: Readings = new Map();

  private constructor(correlations: readonly PlainCorrelation[]) {
    this.#correlations = correlations;
  }

  /** The reader for what `linked` ask of `detection`; undefined where that is more. */
  static of(detection: Detection, linked: readonly LinkedCorrelation[]): PlainReader | undefined {
    const correlations: PlainCorrelation[] = [];
    for (const { detection, correlation } of linked) {
      const groupBy = plainPaths(correlation.groupBy, detection);
      const fields = plainPaths(correlation.fields, detection);
      const isOpen = areOpen(correlation.fields, detection);
      if (
        !groupBy?.every(({ root }) => PLAIN_ROOTS.has(root)) ||
        !fields ||
        (!isOpen && isMeasured(correlation.type))
      ) {
        return undefined;
      }
      correlations.push({ detection, groupBy, fields, isOpen, known: new Map() });
    }
    return new PlainReader(correlations);
  }

  /** What correlations read of the event; undefined where it must be read in full. */
  read(event: AuditEvent, head: HeadView): Readings | undefined {
    let made: Map<Detection, HitReading> | undefined;
    for (let i = 0; i < this.#correlations.length; i++) {
      const correlation = this.#correlations[i] as PlainCorrelation;
      const reading = readPlain(correlation, event, head);
      if (reading === undefined) {
        return undefined;
      }
      if (this.#last.get(correlation.detection) !== reading) {
        made ??= new Map(this.#last);
        made.set(correlation.detection, reading);
      }
    }
    this.#last = made ?? this.#last;
    return this.#last;
  }
}

function readPlain(
  { groupBy, fields, isOpen, known }: PlainCorrelation,
  event: AuditEvent,
  head: HeadView,
): HitReading | undefined {
  const by = groupBy[0];
  const group = groupBy.length === 1 && by !== undefined ? textOf(by, event, head) : textsOf(groupBy, event, head);
  const values = fields.length === 0 ? NONE : textsOf(fields, event, head);
  if (group === undefined || values === undefined) {
    return undefined;
  }
  const name = typeof group === "string" ? group : JSON.stringify(group);
  let reading = known.get(name);
  if (reading === undefined) {
    const tuple = typeof group === "string" ? [group] : group;
    const groups: readonly Group[] = [{ key: repeatedDigest(...tuple), values: tuple }];
    reading = { groups, values: [] };
    if (known.size >= MAX_KNOWN) {
      known.clear();
    }
    known.set(name, reading);
  }
  return values.length === 0
    ? reading
    : { groups: reading.groups, values: [isOpen ? values : [repeatedDigest(...values)]] };
}

function textsOf(paths: readonly FieldPath[], event: AuditEvent, head: HeadView): readonly string[] | undefined {
  const texts: string[] = [];
  for (let i = 0; i < paths.length; i++) {
    const text = textOf(paths[i] as FieldPath, event, head);
    if (text === undefined) {
      return undefined;
    }
    texts.push(text);
  }
  return texts;
}

function textOf(path: FieldPath, event: AuditEvent, head: HeadView): string | undefined {
  const value = path.text === AUDIT_ID ? rootOf(event, AUDIT_ID) : head.get(path.text as HeadField);
  const text = Array.isArray(value) && value.length === 1 ? (value as readonly JsonValue[])[0] : value;
  return typeof text === "string" && text.length <= MAX_LENGTH ? text : undefined;
}

/** Where every field stands at one place of the head, those places. */
function plainPaths(fields: readonly CorrelationField[], detection: Detection): readonly FieldPath[] | undefined {
  const paths: FieldPath[] = [];
  for (const field of fields) {
    const [path, ...others] = pathsOf(field, detection);
    if (path === undefined || others.length > 0 || !(path.text === AUDIT_ID || OF_HEAD.has(path.text))) {
      return undefined;
    }
    paths.push(path);
  }
  return paths;
}
