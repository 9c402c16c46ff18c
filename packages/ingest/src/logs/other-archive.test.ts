import { Readable } from "node:stream";
import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { openLog } from "./log-file.ts";

const rest = Buffer.alloc(600, "x");
const tar = Buffer.concat([Buffer.alloc(257, "a"), Buffer.from("ustar\0"), rest]);

test.each<[string, Buffer, RegExp]>([
  ["zip", Buffer.from("PK\u0003\u0004"), /unzip -p/],
  ["tar", tar, /tar -x/],
  ["zlib", deflateSync(rest), /zlib\.decompress/],
  ["lz4", Buffer.of(0x04, 0x22, 0x4d, 0x18), /lz4 -dc/],
  ["snappy", Buffer.from("\u00FF\u0006\0\0sNaPpY", "latin1"), /tool that made it/],
  ["compress", Buffer.of(0x1f, 0x9d, 0x90), /zcat/],
  ["lzip", Buffer.from("LZIP\u0001"), /tool that made it/],
  ["UTF-32", Buffer.from("\u00FF\u00FE\0\0{\0\0\0", "latin1"), /iconv/],
])("openLog says of a %s file what it is, and what unpacks it", async (what, head, hint) => {
  const read = (async () => {
    for await (const chunk of openLog(Readable.from([Buffer.concat([head, rest])]), "audit.bin")) {
      expect(chunk).toBeUndefined();
    }
  })();
  await expect(read).rejects.toMatchObject({
    message: `Cannot read "audit.bin" as a log: it is a ${what} file`,
    hint: expect.stringMatching(hint) as string,
  });
});
