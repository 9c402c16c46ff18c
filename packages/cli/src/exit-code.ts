/** What scripts may rely on. */
export const EXIT = {
  /** All went well. */
  fine: 0,
  /** Problems or findings that were asked about. */
  problems: 1,
  /** Wrong use or unreadable input. */
  unusable: 2,
  /** Failed while running: something is unacknowledged. */
  failed: 3,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The one that says more, of several inputs. */
export function worseExit(a: ExitCode, b: ExitCode): ExitCode {
  return a > b ? a : b;
}
