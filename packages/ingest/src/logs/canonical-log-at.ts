import { EnvelopeReader } from "@auditsieve/audit";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { fileError } from "../errors.ts";
import { openCanonicalLog } from "./canonical-log.ts";
import { logFormat } from "./log-format.ts";
import { looksMixed } from "./looks-mixed.ts";

const READ_BYTES = 512 * 1024;
const HEAD_BYTES = 64 * 1024;

/**
 * As {@link openCanonicalLog}, which see, from an offset on. A plain log of events a line is read from there; of another one what
 * stands before is unpacked and left out.
 */
export async function* openCanonicalLogAt(path: string, offset: number): AsyncGenerator<Buffer, void> {
  if (offset > 0 && (await isSeekable(path))) {
    try {
      for await (const chunk of createReadStream(path, { start: offset, highWaterMark: READ_BYTES })) {
        yield chunk as Buffer;
      }
    } catch (error) {
      throw fileError("read log", path, error);
    }
    return;
  }
  let left = offset;
  for await (const chunk of openCanonicalLog(path)) {
    if (left < chunk.length) {
      yield chunk.subarray(left);
    }
    left = Math.max(0, left - chunk.length);
  }
}

/** Whether the bytes of the file are those of its lines. False also for what cannot be opened: reading it says why. */
export async function isSeekable(path: string): Promise<boolean> {
  const file = await open(path, "r").catch(() => undefined);
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = (await file?.read(head, 0, HEAD_BYTES, 0)) ?? { bytesRead: 0 };
    const start = head.subarray(0, bytesRead);
    if (bytesRead === 0 || logFormat(start) !== "plain") {
      return false;
    }
    const reader = new EnvelopeReader();
    reader.write(start);
    return reader.isPlain && file !== undefined && !looksMixed(file.fd);
  } catch {
    return false;
  } finally {
    await file?.close();
  }
}
