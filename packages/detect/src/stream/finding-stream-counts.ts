/** What a stream could not say, and what it forgot to stay within its bounds. */
export interface FindingStreamCounts {
  readonly findings: number;
  /** Requests that a detection could not decide, by detection id. */
  readonly undecided: Readonly<Record<string, number>>;
  /** Findings that exceptions kept out, by the exception's id: of all that there are, also of those with none. */
  readonly suppressed: Readonly<Record<string, number>>;
  /** Requests let go early because too many, or too large ones, were open. */
  readonly evicted: number;
  /** Hits that came too late for the correlations that count them. */
  readonly late: number;
  /** Hits that correlations forgot before their window was over. */
  readonly correlationEvicted: number;
  /** Pods, grants, credentials and first-seen values that were forgotten because there were too many. */
  readonly memoryEvicted: number;
}
