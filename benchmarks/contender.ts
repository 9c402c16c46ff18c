/** One way to do the job. */
export interface Contender {
  readonly name: string;
  readonly kind: "own" | "peer";
  /** What it says of itself; undefined: it is not here, and `missing` says why. */
  readonly version: string | undefined;
  readonly missing?: string;
  /** A word on what it is not. */
  readonly remark?: string;
  /** It would take minutes for the large log. */
  readonly isSlow?: boolean;
  /** Writes what is kept of `log` to `out`; run by bash. */
  readonly command: (log: string, out: string) => string;
}
