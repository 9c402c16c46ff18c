import * as nodeFiles from "node:fs/promises";
import type { StateFiles } from "./checkpoint.ts";

/** A disk that takes a part of what is written, seven bytes at a time, as one that is nearly full. */
export const SHORT_WRITES: StateFiles = {
  ...nodeFiles,
  open: async (...args) => {
    const file = await nodeFiles.open(...args);
    const write = file.write.bind(file) as (bytes: Buffer, from: number, length: number, at: number) => Promise<object>;
    const short = (bytes: Buffer, from: number, length: number, at: number): Promise<object> =>
      write(bytes, from, Math.min(length, 7), at);
    return Object.assign(file, { write: short });
  },
};
