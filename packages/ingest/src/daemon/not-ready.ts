/** How a source stands. */
export interface SourceStanding {
  readonly source: string;
  /** Since a sink last took something, while something waits. */
  readonly stalledSeconds: number;
  /** Of one that others send to: whether it can take what they send. */
  readonly hasRoom?: boolean | undefined;
}

const MAX_STALL_SECONDS = 60;

/**
 * Why the daemon is not ready; empty when it is. Who is not ready gets nothing sent any more: so a source that holds what it is sent until
 * sinks take it stays ready while it has room.
 */
export function notReady(sources: readonly SourceStanding[], isStopping: boolean): readonly string[] {
  const reasons = sources.flatMap(({ source, stalledSeconds, hasRoom }) => {
    if (hasRoom !== undefined) {
      return hasRoom ? [] : [`source ${source}: it has no room for what is sent`];
    }
    return stalledSeconds > MAX_STALL_SECONDS ? [`source ${source}: no sink has taken anything for over a minute`] : [];
  });
  return isStopping ? ["stopping", ...reasons] : reasons;
}
