/** Each of the first chunks is told: until then a heap grows fastest. */
const FIRST_CHUNKS = 64;
/** What comes in smaller chunks comes slowly, so that somebody may be waiting to be told. */
const LARGE_BYTES = 256 * 1024;
const STRIDE_BYTES = 4 * 1024 * 1024;

/**
 * Call the answer with the bytes of each chunk; `look` gets those of several at once where large ones follow each other. It does little, but what it needs was
 * put out of the near caches by each chunk: 3 % of the samples of a run over the quiet log with findings.
 */
export function inStrides(look: (bytes: number) => void): (bytes: number) => void {
  let chunks = 0;
  let waiting = 0;
  return (bytes) => {
    waiting += bytes;
    if (waiting < STRIDE_BYTES && bytes >= LARGE_BYTES && chunks >= FIRST_CHUNKS) {
      return;
    }
    chunks++;
    look(waiting);
    waiting = 0;
  };
}
