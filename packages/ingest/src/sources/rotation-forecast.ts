/** What a folder shows of a log's rotation at one moment. */
export interface RotationLook {
  /** Any monotonic clock, in ms. */
  readonly at: number;
  /** Bytes that were written to the log so far, and bytes that were read of it, each since any beginning. */
  readonly written: number;
  readonly read: number;
  /** Of the file that is written to. */
  readonly activeBytes: number;
  /** Rotated files that are not read to their end, oldest first: how many younger ones there are, and bytes that are left. */
  readonly unread: readonly { readonly younger: number; readonly bytes: number }[];
}

/** A rotated file that will be deleted before it is read, if both go on as now. */
export interface Outrun {
  /** Seconds until it is deleted. */
  readonly deletedIn: number;
  /** Seconds until it would be read; Infinity while nothing is read. */
  readonly readIn: number;
}

/** What the rotation of a log is about to do. */
export interface Forecast {
  /** Seconds until the oldest file that is not read to its end is deleted; undefined where there is none, or nothing is known of it. */
  readonly deadline: number | undefined;
  /** The first file that will not be read in time. */
  readonly outrun: Outrun | undefined;
}

/** Rates are those of so long: longer than a checkpoint or a sink's hiccup, shorter than what an operator needs. */
const WINDOW_MS = 60_000;
/** Rates of less time say nothing. */
const LEAST_MS = 2_000;

/**
 * Says when a rotated file that is not read yet will be deleted. Knows how a log is rotated by looking on: at which size a file
 * is renamed (`--audit-log-maxsize`), how many are kept (`--audit-log-maxbackup`), how fast it grows and how fast it is read.
 *
 * @example
 * const forecast = new RotationForecast();
 * const { deadline, outrun } = forecast.look({ at: performance.now(), written: 0, read: 0, activeBytes: 0, unread: [] });
 */
export class RotationForecast {
  readonly #looks: RotationLook[] = [];
  /** Size at which a file was rotated last. */
  rotatedBytes: number | undefined;
  /** Rotated files that are kept. */
  kept: number | undefined;

  look(now: RotationLook): Forecast {
    this.#looks.push(now);
    while (this.#looks.length > 2 && now.at - (this.#looks[1]?.at ?? now.at) >= WINDOW_MS) {
      this.#looks.shift();
    }
    const [first = now] = this.#looks;
    const seconds = (now.at - first.at) / 1000;
    const growth = (now.written - first.written) / seconds;
    const { rotatedBytes, kept } = this;
    if (seconds * 1000 < LEAST_MS || rotatedBytes === undefined || kept === undefined || !(growth > 0)) {
      return { deadline: undefined, outrun: undefined };
    }
    const reading = Math.max(0, now.read - first.read) / seconds;
    let bytes = 0;
    let deadline: number | undefined;
    let outrun: Outrun | undefined;
    for (const file of now.unread) {
      bytes += file.bytes;
      // It is gone with the rotation that makes one younger file too many.
      const rotations = Math.max(0, kept - file.younger);
      const untilNext = Math.max(0, rotatedBytes - now.activeBytes);
      const deletedIn = rotations === 0 ? 0 : (untilNext + (rotations - 1) * rotatedBytes) / growth;
      const readIn = reading > 0 ? bytes / reading : Infinity;
      deadline ??= deletedIn;
      outrun ??= readIn > deletedIn ? { deletedIn, readIn } : undefined;
    }
    return { deadline, outrun };
  }
}
