/**
 * How often a property is tried that is tried so often in the quick tier: the slow tier runs the same file once more, and tries more.
 *
 * @example
 * fc.assert(property, { numRuns: runs(100) });
 */
export function runs(quick: number): number {
  return quick * Number(process.env["AUDITSIEVE_TIMES_AS_MANY"] ?? 1);
}
