import { generateKeyPairSync } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineSealer, openSealedLine, readPublicKey } from "./sealed-line.ts";

const KEYS = generateKeyPairSync("x25519");
const CHUNK = 64 * 1024;

function sealed(line: Buffer, step = line.length): Buffer {
  const parts: Buffer[] = [];
  const sealer = new LineSealer(KEYS.publicKey, (bytes) => parts.push(Buffer.from(bytes)));
  for (let at = 0; at < line.length; at += Math.max(1, step)) {
    sealer.push(line, at, Math.min(line.length, at + step));
  }
  sealer.end();
  return Buffer.concat(parts);
}

async function opened(bytes: Buffer, key = KEYS.privateKey, step = bytes.length): Promise<Buffer> {
  async function* parts(): AsyncGenerator<Buffer, void> {
    for (let at = 0; at < bytes.length; at += Math.max(1, step)) {
      yield bytes.subarray(at, at + step);
    }
  }
  const lines: Buffer[] = [];
  for await (const part of openSealedLine(parts(), key, "line.sealed")) {
    lines.push(part);
  }
  return Buffer.concat(lines);
}

/** Bytes that follow from the length. */
function lineOf(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 31 + length) % 251));
}

describe("a sealed line", () => {
  test.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 200_000])(
    "of %i bytes opens to the same bytes",
    async (length) => {
      const line = lineOf(length);
      expect(await opened(sealed(line))).toEqual(line);
    },
  );

  test("however it is cut on the way in and out", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 200_000 }),
        fc.integer({ min: 900, max: 100_000 }),
        fc.integer({ min: 900, max: 100_000 }),
        async (length, stepIn, stepOut) => {
          const line = lineOf(length);
          expect((await opened(sealed(line, stepIn), KEYS.privateKey, stepOut)).equals(line)).toBe(true);
        },
      ),
      { numRuns: 10 },
    );
  });

  test("holds nothing of the line in plain, and is another each time", () => {
    const line = Buffer.from("a password stands here ".repeat(5000));
    const [once, again] = [sealed(line), sealed(line)];
    expect(once.includes("password")).toBe(false);
    expect(once.subarray(200, 300)).not.toEqual(again.subarray(200, 300));
  });

  test("is refused when it is cut off, changed, put together anew or of another key", async () => {
    const bytes = sealed(lineOf(3 * CHUNK));
    const header = bytes.indexOf("\n") + 1;
    const full = CHUNK + 16;
    const changed = Buffer.from(bytes);
    changed[header + 10] = (changed[header + 10] ?? 0) ^ 1;
    const chunk = (n: number): Buffer => bytes.subarray(header + n * full, header + (n + 1) * full);
    for (const harmed of [
      bytes.subarray(0, bytes.length - 1),
      bytes.subarray(0, header + full),
      bytes.subarray(0, header + 5),
      changed,
      Buffer.concat([bytes.subarray(0, header), chunk(1), chunk(0), chunk(2)]),
      Buffer.concat([bytes, Buffer.from("x")]),
    ]) {
      await expect(opened(harmed)).rejects.toThrow("it is cut off or was changed");
    }
    await expect(opened(bytes.subarray(0, 20))).rejects.toThrow("it is cut off");
    await expect(opened(Buffer.from("x".repeat(600)))).rejects.toThrow("no sealed line");
    await expect(opened(bytes, generateKeyPairSync("x25519").privateKey)).rejects.toThrow(
      /sealed to the key [0-9a-f]{16}, this one is/,
    );
  });

  test("is sealed to a public key only", () => {
    const pem = (key: typeof KEYS.publicKey, type: "spki" | "pkcs8"): string =>
      key.export({ format: "pem", type }).toString();
    expect(readPublicKey(pem(KEYS.publicKey, "spki"))?.equals(KEYS.publicKey)).toBe(true);
    expect(readPublicKey(pem(KEYS.privateKey, "pkcs8"))).toBeUndefined();
    expect(readPublicKey(pem(generateKeyPairSync("ed25519").publicKey, "spki"))).toBeUndefined();
    expect(readPublicKey("nonsense")).toBeUndefined();
  });
});
