import { LineFramer } from "@auditsieve/audit";
import { describe, expect, test } from "vitest";
import type { Source } from "./source.ts";

/** What a source's test gives the suite: an input with known content, and the source over it. */
export interface SourceHarness {
  /** Makes an input that holds exactly `lines` (without newlines), none acknowledged. */
  prepare(lines: readonly string[]): Promise<{
    /** A new instance over the same input and state: what a restarted process would make. */
    readonly create: () => Promise<Source>;
    readonly cleanUp: () => Promise<void>;
  }>;
  /** How long to wait before nothing more is expected. Default 60 ms. */
  readonly patienceMs?: number;
}

/** A line as the suite received it. `end` is the offset behind its newline. */
export interface ReceivedLine {
  readonly input: string;
  readonly end: number;
  readonly text: string;
}

/** What every source must do, whatever it reads from. */
export function testSource(name: string, harness: SourceHarness): void {
  const LINES = Array.from(
    { length: 500 },
    (_, i) =>
      `{"level":"Request","auditID":"${i}","stage":"ResponseComplete","requestURI":"/","verb":"get","user":{"username":"jane"},"requestObject":"${"x".repeat((i * 37) % 900)}"}`,
  );

  describe(`${name} is a source`, () => {
    test("gives every byte once, in order and without holes", () =>
      withInput(LINES, async ({ create }) => {
        expect((await receive(await create(), LINES.length)).map((line) => line.text)).toEqual(LINES);
      }));

    test("goes on after a restart at the last acknowledged offset, and only there", () =>
      withInput(LINES, async ({ create }) => {
        const first = await create();
        const received = await receive(first, LINES.length, async (line, index) => {
          if (index === 199) {
            await first.ack(line.input, line.end);
          }
        });
        expect(received).toHaveLength(LINES.length);
        const again = await receive(await create(), LINES.length - 200);
        expect(again.map((line) => line.text)).toEqual(LINES.slice(200));
        expect(again[0]?.input).toBe(received[200]?.input);
        expect(again[0]?.end).toBe(received[200]?.end);
      }));

    test("gives what was not acknowledged again, as often as it is restarted", () =>
      withInput(LINES, async ({ create }) => {
        for (let run = 0; run < 3; run++) {
          expect(await receive(await create(), LINES.length)).toHaveLength(LINES.length);
        }
      }));

    test("gives nothing again once all is acknowledged", () =>
      withInput(LINES, async ({ create }) => {
        const source = await create();
        await receive(source, LINES.length, async (line, index) => {
          if (index === LINES.length - 1) {
            await source.ack(line.input, line.end);
          }
        });
        expect(await receive(await create(), 1, undefined, harness.patienceMs ?? 60)).toEqual([]);
      }));

    test("stops when it is told to", () =>
      withInput(LINES, async ({ create }) => {
        const stop = new AbortController();
        stop.abort();
        const source = await create();
        for await (const chunk of source.open(stop.signal)) {
          expect(chunk.bytes.length).toBeGreaterThanOrEqual(0);
        }
        await source.close();
        await source.close();
      }));
  });

  async function withInput(
    lines: readonly string[],
    run: (input: Awaited<ReturnType<SourceHarness["prepare"]>>) => Promise<void>,
  ): Promise<void> {
    const input = await harness.prepare(lines);
    try {
      await run(input);
    } finally {
      await input.cleanUp();
    }
  }
}

/** Reads `count` lines from a source, or what comes within `limitMs`. Fails on a hole in the offsets of an input. */
export async function receive(
  source: Source,
  count: number,
  onLine?: (line: ReceivedLine, index: number) => Promise<void> | void,
  limitMs = 10_000,
): Promise<readonly ReceivedLine[]> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), limitMs);
  const received: ReceivedLine[] = [];
  let input = "";
  let next = -1;
  const fresh: ReceivedLine[] = [];
  const framer = new LineFramer({
    line: (bytes, start, end, offset) => {
      fresh.push({ input, end: offset + end - start + 1, text: bytes.toString("utf8", start, end) });
    },
    oversize: () => expect.fail("no line is that long"),
  });
  try {
    for await (const chunk of source.open(stop.signal)) {
      if (chunk.input !== input) {
        input = chunk.input;
        framer.reset(chunk.offset);
      } else {
        expect(chunk.offset).toBe(next);
      }
      next = chunk.offset + chunk.bytes.length;
      framer.write(chunk.bytes);
      if (chunk.isLast) {
        framer.end();
        input = "";
      }
      for (const line of fresh.splice(0)) {
        received.push(line);
        await onLine?.(line, received.length - 1);
      }
      if (received.length >= count) {
        stop.abort();
      }
    }
  } finally {
    clearTimeout(timer);
    await source.close();
  }
  return received;
}
