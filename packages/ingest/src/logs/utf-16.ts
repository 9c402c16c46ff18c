import { isUtf16 } from "./log-format.ts";

/** Text that begins with a byte order mark of UTF-16 in UTF-8, without the mark; anything else as it is, in the same buffers. */
export async function* asUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let head: Buffer = Buffer.alloc(0);
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let isPlain = false;
  let failure: unknown;
  try {
    for await (const chunk of chunks) {
      if (isPlain) {
        yield chunk;
        continue;
      }
      let bytes = chunk;
      if (decoder === undefined) {
        head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
        if (head.length < 2) {
          head = Buffer.from(head);
          continue;
        }
        if (!isUtf16(head)) {
          isPlain = true;
          yield head;
          continue;
        }
        decoder = new TextDecoder(head[0] === 0xff ? "utf-16le" : "utf-16be");
        bytes = head;
      }
      const text = Buffer.from(decoder.decode(bytes, { stream: true }));
      if (text.length > 0) {
        yield text;
      }
    }
  } catch (error) {
    failure = error;
  }
  const rest = isPlain ? "" : decoder === undefined ? head : decoder.decode();
  if (rest.length > 0) {
    yield Buffer.from(rest as string);
  }
  if (failure !== undefined) {
    throw failure;
  }
}
