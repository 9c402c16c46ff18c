import { readFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { createRedactor } from "./redact.ts";

export const SAMPLES = join(import.meta.dirname, "../../../samples");
const PATTERNS: { readonly [what: string]: RegExp } = {
  "JSON web token": /eyJ[\w-]{5,}\.[\w-]{5,}/,
  "JSON web token in base64": /ZXlKaGJHY2lPaU/,
  "private key": /PRIVATE KEY-----/,
  "private key in base64": /LS0tLS1CRUdJTiB[A-Za-z0-9+/]{0,40}(?:UFJJVkFURSBLRV|QUklWQVRFIEtFW|BSSVZBVEUgS0VZ)/,
  "bearer token": /bearer [\w.~+/=-]{12,}/i,
  "value of a Secret of the recording": /SYNTHETIC|U1lOVEhFVElD/,
};

function read(name: string): string {
  const stored = readFileSync(join(SAMPLES, name));
  return (name.endsWith(".zst") ? zstdDecompressSync(stored) : stored).toString("latin1");
}

/** What must be true of each file in samples/. */
export function checkSample(name: string): void {
  const text = read(name);
  const lines = text.trimEnd().split("\n");

  test.each(Object.entries(PATTERNS))("holds no %s", (_, pattern) => {
    expect(pattern.exec(text)?.[0]).toBeUndefined();
  });

  test("is redacted to the end: redactLine finds nothing more, under any key", () => {
    const redactor = createRedactor({ key: new Uint8Array(32).fill(1) });
    for (const line of lines) {
      const bytes = Buffer.from(line, "latin1");
      if (redactor.redactLine(bytes) !== bytes) throw new Error(`Not redacted: ${line.slice(0, 300)}`);
    }
  });

  test("is JSON by the line, of as many lines and bytes as samples/README.md says", () => {
    for (const line of lines) JSON.parse(line);
    const row = `| ${name} | ${lines.length.toLocaleString("en")} | ${text.length.toLocaleString("en")} |`;
    expect(readFileSync(join(SAMPLES, "README.md"), "utf8")).toContain(row);
  });
}
