/** Events and their bytes, newlines included. */
export interface Volume {
  readonly events: number;
  readonly bytes: number;
}

/** One row of a simulation: what there is before, and what the policy leaves. */
export interface BeforeAfter {
  readonly before: Volume;
  readonly after: Volume;
  /** Of `after`: events that would hold a body whose size the log does not show. */
  readonly sizeUnknown: number;
}

/** A row while it is counted. */
export class VolumeRow {
  beforeEvents = 0;
  beforeBytes = 0;
  afterEvents = 0;
  afterBytes = 0;
  sizeUnknown = 0;

  before(bytes: number): void {
    this.beforeEvents++;
    this.beforeBytes += bytes;
  }

  after(bytes: number, isSizeUnknown: boolean): void {
    this.afterEvents++;
    this.afterBytes += bytes;
    if (isSizeUnknown) {
      this.sizeUnknown++;
    }
  }

  result(): BeforeAfter {
    return {
      before: { events: this.beforeEvents, bytes: this.beforeBytes },
      after: { events: this.afterEvents, bytes: this.afterBytes },
      sizeUnknown: this.sizeUnknown,
    };
  }
}

/** Rows by name. Bounded: whatever the input, names beyond the limit share one row. */
export class VolumeTable {
  readonly #rows = new Map<string, VolumeRow>();
  readonly #limit: number;
  readonly #rest: string;

  constructor(limit: number, rest: string) {
    this.#limit = limit;
    this.#rest = rest;
  }

  row(name: string): VolumeRow {
    const short = name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name;
    const known = this.#rows.get(short);
    if (known !== undefined) {
      return known;
    }
    const key = this.#rows.size < this.#limit ? short : this.#rest;
    const row = this.#rows.get(key) ?? new VolumeRow();
    this.#rows.set(key, row);
    return row;
  }

  entries(): readonly (readonly [string, BeforeAfter])[] {
    return [...this.#rows].map(([name, row]) => [name, row.result()] as const);
  }
}

const MAX_NAME = 256;
