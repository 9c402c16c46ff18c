/** Gives the bytes of an input from an offset on. */
export type ReadFrom = (offset: number) => AsyncGenerator<Buffer, void>;

/** The bytes `[start, end)` of an input, or as many as there are; nothing where they cannot be read again. */
export async function bytesFrom(readFrom: ReadFrom, start: number, end: number): Promise<Buffer> {
  const read: Buffer[] = [];
  let at = start;
  for await (const chunk of readFrom(start)) {
    read.push(Buffer.from(chunk.subarray(0, end - at)));
    at += chunk.length;
    if (at >= end) {
      break;
    }
  }
  return Buffer.concat(read);
}
