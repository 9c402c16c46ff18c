import { isJsonObject, jsonAt, MemberIndex, own } from "@auditsieve/audit";
import type { BodyPlaces, JsonValue, KeyEndings, KeyPaths } from "@auditsieve/audit";
import type { BodyName } from "@auditsieve/detect";

/** Both, in the order in which they stand in {@link BodyPlaces}. */
export const BODIES: readonly [BodyName, BodyName] = ["requestObject", "responseObject"];
const SPACE = 0x20;
const OPEN_LIST = 0x5b;
const OPEN_OBJECT = 0x7b;
/** No other value begins so. */
const LETTER_N = 0x6e;

/** Of the event that was asked last: mostly one is read after another. */
const indexes: Readonly<Record<BodyName, { readonly index: MemberIndex; of: EventBodies | undefined }>> = {
  requestObject: { index: new MemberIndex(), of: undefined },
  responseObject: { index: new MemberIndex(), of: undefined },
};

/** Those of an event that has been parsed. */
export type ParsedBodies = Readonly<Partial<Record<BodyName, JsonValue>>>;

const NOWHERE: BodyPlaces = [0, 0, 0, 0];

/**
 * The bodies of an event whose line stands in `bytes`: what is asked for is parsed when it is first read, and only then. What is no JSON, which it may be only
 * where nobody has scanned the line, is as good as absent.
 */
export class EventBodies {
  readonly #bytes: Buffer;
  readonly #places: BodyPlaces;
  #requestObject: JsonValue | undefined;
  #responseObject: JsonValue | undefined;
  /** Members that were asked for, by where they stand. */
  #members: Map<number, JsonValue | undefined> | undefined;

  /** Instead of where they stand it takes the bodies themselves. */
  constructor(bytes: Buffer, places: BodyPlaces | ParsedBodies) {
    this.#bytes = bytes;
    if (isPlaces(places)) {
      this.#places = places;
    } else {
      this.#places = NOWHERE;
      this.#requestObject = places.requestObject;
      this.#responseObject = places.responseObject;
    }
  }

  /** Where a body begins in the bytes, and where it ends; 0 where there is none. */
  from(body: BodyName): number {
    return body === "requestObject" ? this.#places[0] : this.#places[2];
  }

  to(body: BodyName): number {
    return body === "requestObject" ? this.#places[1] : this.#places[3];
  }

  /** Whether it stands in the line, or was given. */
  has(body: BodyName): boolean {
    return this.to(body) > 0 || this.#known(body) !== undefined;
  }

  /** Whether it is absent or null. */
  isMissing(body: BodyName): boolean {
    const known = this.#known(body);
    if (known !== undefined || this.to(body) === 0) {
      return (known ?? null) === null;
    }
    return this.#bytes[this.from(body)] === LETTER_N;
  }

  /** Undefined where there is none. */
  value(body: BodyName): JsonValue | undefined {
    const known = this.#known(body);
    if (known !== undefined || this.to(body) === 0) {
      return known;
    }
    const value = jsonAt(this.#bytes, this.from(body), this.to(body));
    if (body === "requestObject") {
      this.#requestObject = value;
    } else {
      this.#responseObject = value;
    }
    return value;
  }

  /** Those that are there, in the order in which they stand in the line. */
  inOrder(): readonly { readonly field: BodyName; readonly from: number; readonly to: number }[] {
    return BODIES.map((field) => ({ field, from: this.from(field), to: this.to(field) }))
      .filter(({ to }) => to > 0)
      .sort((a, b) => a.from - b.from);
  }

  /** Whether these bytes stand in the others, but for the bodies. */
  isOutside(bytes: Buffer): boolean {
    if (this.to("requestObject") === 0 && this.to("responseObject") === 0) {
      return this.#bytes.includes(bytes);
    }
    let at = 0;
    for (const { from, to } of this.inOrder()) {
      if (this.#bytes.subarray(at, from).includes(bytes)) {
        return true;
      }
      at = to;
    }
    return this.#bytes.subarray(at).includes(bytes);
  }

  /** As `PartlyParsed` has it. */
  lacksAll(body: BodyName, endings: KeyEndings): boolean {
    // A JSON patch spells keys in its paths.
    return (
      this.to(body) > 0 &&
      !this.#isList(body) &&
      this.#known(body) === undefined &&
      endings.areAbsent(this.#bytes, this.from(body), this.to(body))
    );
  }

  /** The value at a path of literal keys below the body; undefined where there is none, or no body. */
  part(body: BodyName, keys: readonly string[]): JsonValue | undefined {
    if (this.to(body) === 0 || this.#known(body) !== undefined) {
      return keys.reduce<JsonValue | undefined>(
        (value, key) => (isJsonObject(value) ? own(value, key) : undefined),
        this.#known(body),
      );
    }
    const range = this.#index(body).find(keys);
    return range && jsonAt(this.#bytes, range.start, range.end);
  }

  /** As `PartlyParsed` has it. */
  find(body: BodyName, paths: KeyPaths): void {
    if (this.to(body) === 0 || this.#known(body) !== undefined) {
      paths.findParsed(this.#known(body));
    } else {
      paths.find(this.#index(body));
    }
  }

  /** As `PartlyParsed` has it. */
  isObject(body: BodyName): boolean {
    const known = this.#known(body);
    return known === undefined ? this.to(body) > 0 && this.#first(body) === OPEN_OBJECT : isJsonObject(known);
  }

  /** The value of a member of a body that {@link isObject}, parsed once. */
  member(body: BodyName, key: string): JsonValue | undefined {
    const known = this.#known(body);
    if (known !== undefined) {
      return isJsonObject(known) ? own(known, key) : undefined;
    }
    const range = this.#index(body).find([key]);
    if (range === undefined) {
      return undefined;
    }
    this.#members ??= new Map();
    let value = this.#members.get(range.start);
    if (value === undefined) {
      value = jsonAt(this.#bytes, range.start, range.end);
      this.#members.set(range.start, value);
    }
    return value;
  }

  spelling(body: BodyName, maxLength: number): string | undefined {
    const [from, to] = [this.from(body), this.to(body)];
    return to === 0 || to - from > maxLength ? undefined : this.#bytes.toString("latin1", from, to);
  }

  #isList(body: BodyName): boolean {
    return this.#first(body) === OPEN_LIST;
  }

  #first(body: BodyName): number | undefined {
    let at = this.from(body);
    // Nothing that is printed stands before a value.
    while ((this.#bytes[at] ?? OPEN_LIST) <= SPACE) {
      at++;
    }
    return this.#bytes[at];
  }

  #known(body: BodyName): JsonValue | undefined {
    return body === "requestObject" ? this.#requestObject : this.#responseObject;
  }

  /** The index of its members. */
  #index(body: BodyName): MemberIndex {
    const place = indexes[body];
    if (place.of !== this) {
      const by = body === "responseObject" ? this.#places : undefined;
      place.index.load(this.#bytes, this.from(body), this.to(body), by);
      place.of = this;
    }
    return place.index;
  }
}

function isPlaces(places: BodyPlaces | ParsedBodies): places is BodyPlaces {
  return Array.isArray(places);
}
