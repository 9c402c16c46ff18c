import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { salvageEvents } from "./salvage.ts";
import { EventScan } from "./scan.ts";

/** Lines of the recorded attack, bodies and all, one of each length. */
const LINES: readonly Buffer[] = [
  ...new Map(
    zstdDecompressSync(readFileSync(fileURLToPath(new URL("../../../samples/attack.log.zst", import.meta.url))))
      .toString("utf8")
      .split("\n")
      .filter((line) => line !== "" && line.length < 20_000)
      .map((line) => [line.length, Buffer.from(line)]),
  ).values(),
];
const scan = new EventScan();

/** What is salvaged of a line; undefined where the line is an event as it stands. */
function salvaged(line: Buffer): readonly Buffer[] | undefined {
  return scan.scan(line, 0, line.length)
    ? undefined
    : salvageEvents(scan).map(({ bytes, start, end }) => bytes.subarray(start, end));
}

/** The line with an event as a patch in its request's body: a client writes that as it likes. */
function withInner(line: Buffer, inner: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from('"requestObject":['), inner, Buffer.from(","), inner, Buffer.from("],")]);
  const at = line.indexOf('"requestReceivedTimestamp":');
  return Buffer.concat([line.subarray(0, at), body, line.subarray(at)]);
}

describe("salvageEvents", () => {
  test("salvageEvents of recorded lines torn at every byte and written on: the next line or nothing", () => {
    const wrong: string[] = [];
    let torn = 0;
    let found = 0;
    for (const [i, line] of LINES.entries()) {
      if (i % 12 !== 0) {
        continue;
      }
      const next = LINES[(i * 7 + 3) % LINES.length] as Buffer;
      for (let cut = 1; cut < line.length; cut++) {
        const events = salvaged(Buffer.concat([line.subarray(0, cut), next]));
        torn++;
        found += events?.length ?? 0;
        if (events === undefined || events.length > 1 || events[0]?.equals(next) === false) {
          wrong.push(`line ${i} torn at ${cut}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(torn).toBeGreaterThan(100_000);
    expect(found / torn).toBeGreaterThan(0.95);
  }, 300_000);

  test("salvageEvents of pieces of recorded lines with events in their bodies: only lines that were written whole, in order", () => {
    let found = 0;
    let written = 0;
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            line: fc.nat(LINES.length - 1),
            inner: fc.option(fc.nat(LINES.length - 1)),
            at: fc.nat(),
            kind: fc.nat(5),
          }),
          { minLength: 1, maxLength: 6 },
        ),
        (parts) => {
          const whole: Buffer[] = [];
          const line = Buffer.concat(
            parts.map(({ line: number, inner, at, kind }) => {
              const plain = LINES[number] as Buffer;
              const bytes = inner === null ? Buffer.from(plain) : withInner(plain, LINES[inner] as Buffer);
              const place = at % bytes.length;
              if (kind < 2) {
                whole.push(bytes);
                return bytes;
              }
              return kind === 2
                ? Buffer.alloc(1 + (at % 4096))
                : kind === 3
                  ? bytes.fill(0, place, Math.min(bytes.length, place + 1 + (at % 4096)))
                  : bytes.subarray(0, place);
            }),
          );
          written += whole.length;
          let from = 0;
          for (const event of salvaged(line) ?? []) {
            const at = whole.findIndex((each, i) => i >= from && each.equals(event));
            expect(at).toBeGreaterThanOrEqual(from);
            from = at + 1;
            found++;
          }
        },
      ),
      { numRuns: 30_000 },
    );
    // A NUL in the middle of a line leaves its rest behind, and with that nothing of the line is salvaged.
    expect(found / written).toBeGreaterThan(0.3);
  }, 300_000);
});
