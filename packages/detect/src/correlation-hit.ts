import type { JsonValue } from "@auditsieve/audit";
import { scalarText } from "./condition/evaluate.ts";
import type { FieldReader } from "./condition/evaluate.ts";
import type { FieldPath } from "./condition/field-path.ts";
import { isMeasured, pathsOf } from "./definition/correlation.ts";
import type { Correlation, CorrelationField } from "./definition/correlation.ts";
import type { Detection } from "./definition/detection.ts";
import { digest, repeatedDigest } from "./finding.ts";
import type { LinkedCorrelation } from "./definition/link-correlations.ts";
import type { ShowEvent } from "./shown-event.ts";

/** An event that findings rest on; `show` makes it as it may leave. */
export interface Evidence {
  readonly request: string;
  readonly show: ShowEvent;
  readonly length: number;
}

/** A request that makes its key when somebody asks for it. */
export interface LateRequest<Self> {
  readonly key: string;
  /** Whether the other one has the same key; mostly neither need be made for that. */
  isSame(other: Self): boolean;
}

/** Of one class, whatever it is. */
export type AnyRequest = LateRequest<AnyRequest>;

/** One that names its request when it is asked to: of most hits nobody does. */
export class LateEvidence implements Evidence {
  readonly show: ShowEvent;
  readonly length: number;
  /** Not for longer than it is needed: a request holds more than its key. */
  #of: AnyRequest | string;

  constructor(of: AnyRequest, show: ShowEvent, length: number) {
    this.#of = of;
    this.show = show;
    this.length = length;
  }

  get request(): string {
    if (typeof this.#of !== "string") {
      this.#of = this.#of.key;
    }
    return this.#of;
  }

  /** Whether both are of one request. */
  isOfRequestOf(other: LateEvidence): boolean {
    return typeof this.#of === "string" || typeof other.#of === "string"
      ? this.request === other.request
      : this.#of.isSame(other.#of);
  }
}

/** A group of a correlation: its key, and the value of each field as it may leave. */
export interface Group {
  readonly key: string;
  readonly values: readonly string[];
}

/** What a correlation reads of a hit. */
export interface HitReading {
  readonly groups: readonly Group[];
  /** Of value_* types: each combination of the fields' values. */
  readonly values: readonly (readonly string[])[];
}

/** One finding of a detection, or of a correlation that others build on. */
export interface CorrelationHit {
  /** Event time in microseconds. */
  readonly time: number;
  readonly id: string;
  readonly detection: Detection;
  /** By the correlation, also those that are reached over others. */
  readonly readings: ReadonlyMap<Detection, HitReading>;
  readonly evidence: readonly Evidence[];
  /** Ids of exceptions by which correlations do not count it. */
  readonly excused: readonly string[];
}

/** The hit of one event. */
export class EventHit implements CorrelationHit {
  readonly time: number;
  readonly detection: Detection;
  readonly readings: ReadonlyMap<Detection, HitReading>;
  readonly evidence: readonly [LateEvidence];
  readonly excused: readonly string[];
  #id: string | undefined;

  constructor(
    time: number,
    detection: Detection,
    readings: ReadonlyMap<Detection, HitReading>,
    evidence: LateEvidence,
    excused: readonly string[],
  ) {
    this.time = time;
    this.detection = detection;
    this.readings = readings;
    this.evidence = [evidence];
    this.excused = excused;
  }

  /** Made when it is asked for: of a hit that waits for the next stage of its request it mostly never is. */
  get id(): string {
    return (this.#id ??= digest(this.detection.id, this.evidence[0].request));
  }
}

/** Whether two hits have the same id; mostly neither need be made for that. */
export function areSameHits(one: CorrelationHit, other: CorrelationHit): boolean {
  if (!(one instanceof EventHit && other instanceof EventHit)) {
    return one.id === other.id;
  }
  return one.detection === other.detection && one.evidence[0].isOfRequestOf(other.evidence[0]);
}

/** Characters of the events that a hit holds. */
export function lengthOf({ evidence }: CorrelationHit): number {
  return evidence.length === 1 ? (evidence[0]?.length ?? 0) : evidence.reduce((sum, { length }) => sum + length, 0);
}

/** Parts of an event in which nothing is ever redacted. */
export const PLAIN_ROOTS: ReadonlySet<string> = new Set([
  "user",
  "impersonatedUser",
  "verb",
  "objectRef",
  "sourceIPs",
  "stage",
  "level",
  "auditID",
]);
const CODE = "responseStatus.code";
const MAX_VALUES = 16;
const MAX_TUPLES = 64;
/** Values of one result of a correlation, for those that build on it. */
const MAX_JOINED = 1024;
/** Longer texts are cut, and told apart by what they digest to. */
export const MAX_LENGTH = 256;

/**
 * What `correlation` reads of an event that `detection` hits; undefined when the log does not say. A field of several
 * values puts the event into each of their groups; an absent one into none.
 */
export function readHit(
  { correlation }: LinkedCorrelation,
  detection: Detection,
  reader: FieldReader,
  shown: () => FieldReader | undefined,
): HitReading | undefined {
  const groups = tuplesOf(correlation.groupBy, detection, reader);
  const values = tuplesOf(correlation.fields, detection, reader, isMeasured(correlation.type));
  return (
    groups &&
    values && {
      groups: printed(correlation.groupBy, groups, detection, shown),
      values: kept(correlation, values, detection, shown),
    }
  );
}

/** Values outlive the event in snapshots. What may be secret is told apart by its digest, and measured as it may leave: then it mostly is no number. */
function kept(
  { type, fields }: Correlation,
  values: HitReading["values"],
  detection: Detection,
  shown: () => FieldReader | undefined,
): HitReading["values"] {
  if (fields.length === 0) {
    return [];
  }
  if (areOpen(fields, detection)) {
    return values;
  }
  if (!isMeasured(type)) {
    return values.map((tuple) => [repeatedDigest(...tuple)]);
  }
  const reader = shown();
  return (reader && tuplesOf(fields, detection, reader, true)) ?? [];
}

/** Whether nothing is ever redacted in what the fields read of an event that `detection` hits. */
export function areOpen(fields: readonly CorrelationField[], detection: Detection): boolean {
  return fields.every((field) =>
    pathsOf(field, detection).every(({ root, text }) => PLAIN_ROOTS.has(root) || text === CODE),
  );
}

/** Groups are told apart by what stands in the log; what a finding prints of them is what is left when secrets are replaced. */
function printed(
  fields: readonly CorrelationField[],
  groups: readonly (readonly string[])[],
  detection: Detection,
  shown: () => FieldReader | undefined,
): readonly Group[] {
  const isPlain = areOpen(fields, detection);
  const reader = isPlain ? undefined : shown();
  const values = isPlain ? groups : ((reader && tuplesOf(fields, detection, reader)) ?? []);
  return groups.map((tuple, index) => {
    const key = repeatedDigest(...tuple);
    // Where two secrets have become one value, the places do not say any more which is which.
    return { key, values: values.length === groups.length ? (values[index] ?? []) : tuple.map(() => `#${key}`) };
  });
}

/**
 * Reads of the hits of a correlation as one: what it hands to `above`, which builds on it. Of what is measured equal values of several events
 * stay several.
 */
export function joinHits(hits: readonly CorrelationHit[], above: Detection): HitReading {
  const readings = hits.flatMap((hit) => hit.readings.get(above) ?? []);
  const isOfNumbers = above.correlation !== undefined && isMeasured(above.correlation.type);
  const values = isOfNumbers
    ? ofEachEvent(hits).flatMap((hit) => hit.readings.get(above)?.values ?? [])
    : differentValues(readings);
  return { groups: differentGroups(readings), values: values.slice(0, MAX_JOINED) };
}

/** Several reads of one event as one. */
export function joinReadings(readings: readonly HitReading[]): HitReading {
  return { groups: differentGroups(readings), values: differentValues(readings).slice(0, MAX_TUPLES) };
}

/** One hit of each event, where several detections hit one. */
function ofEachEvent(hits: readonly CorrelationHit[]): readonly CorrelationHit[] {
  const seen = new Set<string>();
  return hits.filter(({ evidence: [one, ...others] }) => {
    const isKnown = one !== undefined && others.length === 0 && seen.has(one.request);
    seen.add(one?.request ?? "");
    return !isKnown;
  });
}

function differentGroups(readings: readonly HitReading[]): readonly Group[] {
  const groups = new Map(readings.flatMap((reading) => reading.groups.map((group) => [group.key, group] as const)));
  return [...groups.values()].slice(0, MAX_TUPLES);
}

function differentValues(readings: readonly HitReading[]): HitReading["values"] {
  const tuples = readings.flatMap(({ values }) => values.map((tuple) => [JSON.stringify(tuple), tuple] as const));
  return [...new Map(tuples).values()];
}

/** Every combination of the values of the fields; undefined when the log does not say one of them. Equal ones are one unless `keepsEqual`. */
export function tuplesOf(
  fields: readonly CorrelationField[],
  detection: Detection,
  reader: FieldReader,
  keepsEqual = false,
): readonly (readonly string[])[] | undefined {
  let tuples: string[][] = [[]];
  for (let i = 0; i < fields.length; i++) {
    const values = valuesOf(fields[i] as CorrelationField, detection, reader, keepsEqual);
    if (!values) {
      return undefined;
    }
    const [only] = values;
    if (values.length === 1 && only !== undefined) {
      // As good as always: nothing is combined then.
      tuples.forEach((tuple) => tuple.push(only));
    } else {
      tuples = tuples.flatMap((tuple) => values.map((value) => [...tuple, value])).slice(0, MAX_TUPLES);
    }
  }
  return tuples;
}

function valuesOf(
  field: CorrelationField,
  detection: Detection,
  reader: FieldReader,
  keepsEqual: boolean,
): readonly string[] | undefined {
  const texts: string[] = [];
  const paths = pathsOf(field, detection);
  for (let i = 0; i < paths.length; i++) {
    const reading = reader.read(paths[i] as FieldPath);
    if (!reading) {
      return undefined;
    }
    const { values } = reading;
    // The last ones: a client may put addresses of its own in front of the one that the apiserver saw.
    for (let j = Math.max(0, values.length - MAX_VALUES); j < values.length; j++) {
      const text = scalarText(values[j] as JsonValue);
      if (text !== undefined) {
        const short = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…${digest(text)}` : text;
        if (keepsEqual || !texts.includes(short)) {
          texts.push(short);
        }
      }
    }
  }
  return texts.length === 0 && field.isOptional === true ? NONE : texts.slice(-MAX_VALUES);
}

const NONE: readonly string[] = [""];
