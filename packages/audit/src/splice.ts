/** Replaces `bytes[start, end)` by `by`; an empty `by` cuts it out. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly by: Uint8Array;
}

/**
 * A copy of `bytes[start, end)` with `edits` made, everything else byte for byte. Edits are in order and do not overlap.
 *
 * @example
 * const by = Buffer.from("X");
 * assert.equal(splice(Buffer.from("abcd"), 0, 4, [{ start: 1, end: 3, by }]).toString(), "aXd");
 */
export function splice(bytes: Buffer, start: number, end: number, edits: readonly Edit[]): Buffer {
  const length = edits.reduce((sum, edit) => sum + edit.by.length - (edit.end - edit.start), end - start);
  const out = Buffer.allocUnsafe(length);
  let from = start;
  let to = 0;
  for (const edit of edits) {
    to += bytes.copy(out, to, from, edit.start);
    out.set(edit.by, to);
    to += edit.by.length;
    from = edit.end;
  }
  bytes.copy(out, to, from, end);
  return out;
}
