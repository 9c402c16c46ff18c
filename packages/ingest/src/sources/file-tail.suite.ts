import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { LineFramer } from "@auditsieve/audit";
import * as fc from "fast-check";
import type { IAsyncPropertyWithHooks } from "fast-check";
import { expect } from "vitest";
import { openCheckpoint } from "../state/checkpoint.ts";
import { createFileTail } from "./file-tail.ts";

type Step =
  | { readonly do: "append"; readonly lines: number; readonly bytes: number; readonly leavesHalf: boolean }
  | { readonly do: (typeof SIMPLE)[number] };

const SIMPLE = [
  "rotate",
  "rotate-and-compress",
  "compress-later",
  "truncate",
  "copytruncate",
  "copytruncate-unread",
  "copytruncate-stopped",
  "copytruncate-crashed",
  "delete",
  "read",
  "pause",
  "restart",
  "crash",
] as const;

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      lines: fc.integer({ min: 0, max: 40 }),
      bytes: fc.integer({ min: 1, max: 400 }),
      leavesHalf: fc.boolean(),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.constantFrom("rotate" as const, ...SIMPLE).map((name) => ({ do: name })),
  },
);

/** A random life of a log and of the process that follows it; the oracle knows every line by its id. */
export function tailModel(maxLength = 25): IAsyncPropertyWithHooks<[Step[]]> {
  return fc.asyncProperty(fc.array(step, { maxLength }), async (steps) => {
    const world = new World();
    try {
      // Files rotated away before the first start are not its business: the life begins with a first look.
      await world.apply({ do: "append", lines: 1, bytes: 1, leavesHalf: false });
      await world.apply({ do: "read" });
      for (const one of steps) {
        await world.apply(one);
      }
      await world.finish();
    } finally {
      await world.end();
    }
  });
}

class World {
  readonly #folder = mkdtempSync(join(tmpdir(), "tail-model-"));
  readonly #log = join(this.#folder, "audit.log");
  readonly #written: string[] = [];
  readonly #rotated: string[] = [];
  #half = "";
  #rotations = 0;
  #reader: Reader | undefined;
  /** Every line ever received, by line: how often, and whether it was acknowledged before it came again. */
  readonly #received = new Map<string, number>();
  readonly #acked = new Set<string>();

  async apply(one: Step): Promise<void> {
    switch (one.do) {
      case "append":
        return this.#append(one.lines, one.bytes, one.leavesHalf);
      case "rotate":
      case "rotate-and-compress":
        this.#completeHalf();
        if (existsSync(this.#log)) {
          const name = join(
            this.#folder,
            `audit-2026-11-24T00-00-00.${String(this.#rotations++).padStart(3, "0")}.log`,
          );
          renameSync(this.#log, name);
          this.#rotated.push(name);
        }
        return one.do === "rotate" ? undefined : this.#compress();
      case "compress-later":
        return this.#compress();
      case "truncate":
        // What stands in the file when it is cut and was not read is lost by nature: the model reads it first.
        this.#completeHalf();
        await this.#readAll();
        await this.#reader?.stop();
        this.#reader = undefined;
        if (existsSync(this.#log)) {
          truncateSync(this.#log, 0);
        }
        return;
      case "read":
        return this.#readAll();
      case "copytruncate":
      case "delete":
        // The same, under the eyes of a reader that goes on: a fresh line proves that it has read to the end.
        this.#append(1, 10, false);
        await this.#readAll();
        if (one.do === "delete") {
          unlinkSync(this.#log);
        } else {
          this.#reader?.forgetCuts();
          this.#copyAndCut();
          // Cut and written anew beyond the old length between two looks is beyond what a reader can tell apart.
          await this.#reader?.untilTruncated();
        }
        return;
      case "copytruncate-unread":
        // What was not read stands in the copy; its file is known by what was read of it.
        this.#completeHalf();
        this.#append(1, 10, false);
        await this.#readAll();
        this.#append(3, 100, false);
        this.#reader?.forgetCuts();
        this.#copyAndCut();
        await this.#reader?.untilTruncated();
        return;
      case "copytruncate-stopped":
      case "copytruncate-crashed":
        // Nothing reads meanwhile, but something of the file was read before, and perhaps acknowledged.
        this.#completeHalf();
        this.#append(1, 10, false);
        await this.#readAll();
        if (one.do === "copytruncate-stopped") {
          await this.#reader?.ackAll();
        }
        await this.#reader?.stop();
        this.#reader = undefined;
        this.#append(3, 100, false);
        this.#copyAndCut();
        return;
      case "pause":
        await this.#open();
        this.#reader?.pause();
        return;
      case "restart":
        await this.#open();
        this.#reader?.resume();
        await this.#reader?.ackAll();
        await this.#reader?.stop();
        this.#reader = undefined;
        return;
      case "crash":
        await this.#reader?.stop();
        this.#reader = undefined;
        return;
      default:
        one satisfies never;
    }
  }

  async finish(): Promise<void> {
    this.#append(1, 10, false);
    await this.#readAll();
    for (const line of this.#written) {
      expect(this.#received.get(line), line).toBeGreaterThanOrEqual(1);
    }
    expect(this.#received.size).toBe(this.#written.length);
  }

  async end(): Promise<void> {
    await this.#reader?.stop();
    rmSync(this.#folder, { recursive: true });
  }

  #append(lines: number, bytes: number, leavesHalf: boolean): void {
    let text = "";
    for (let i = 0; i < lines; i++) {
      text += `${this.#line(bytes)}\n`;
    }
    if (this.#half !== "" && text !== "") {
      text = `\n${text}`;
      this.#half = "";
    }
    if (leavesHalf && text !== "") {
      this.#half = this.#line(bytes);
      text += this.#half;
    }
    appendFileSync(this.#log, text);
  }

  #line(bytes: number): string {
    const line = `line ${this.#written.length} ${"x".repeat(bytes)}`;
    this.#written.push(line);
    return line;
  }

  /** As logrotate does it: the newest copy is the first; perhaps packed. */
  #copyAndCut(): void {
    const copy = (number: number): string => `${this.#log}.${number}`;
    for (const number of [3, 2, 1]) {
      for (const end of ["", ".gz"]) {
        if (existsSync(copy(number) + end)) {
          renameSync(copy(number) + end, copy(number + 1) + end);
        }
      }
    }
    copyFileSync(this.#log, copy(1));
    if (this.#written.length % 3 === 0) {
      writeFileSync(`${copy(1)}.gz`, gzipSync(readFileSync(this.#log)));
      unlinkSync(copy(1));
    }
    truncateSync(this.#log, 0);
  }

  #completeHalf(): void {
    if (this.#half !== "") {
      appendFileSync(this.#log, "\n");
      this.#half = "";
    }
  }

  #compress(): void {
    const name = this.#rotated.pop();
    if (name !== undefined) {
      writeFileSync(`${name}.gz`, gzipSync(readFileSync(name)));
      unlinkSync(name);
    }
  }

  async #readAll(): Promise<void> {
    await this.#open();
    this.#reader?.resume();
    const expected = this.#written.length - (this.#half === "" ? 0 : 1);
    for (let waited = 0; this.#received.size < expected; waited++) {
      if (waited > 4000) {
        const missing = this.#written.filter((line) => !this.#received.has(line));
        expect.fail(`${missing.length} lines never came, the first: ${missing[0]}`);
      }
      await sleep(1);
    }
  }

  async #open(): Promise<void> {
    this.#reader ??= await Reader.open(this.#log, join(this.#folder, "checkpoint.json"), {
      received: (line) => {
        expect(this.#acked.has(line), `acknowledged and received again: ${line}`).toBe(false);
        this.#received.set(line, (this.#received.get(line) ?? 0) + 1);
      },
      acked: (line) => this.#acked.add(line),
    });
  }
}

interface Oracle {
  received(line: string): void;
  acked(line: string): void;
}

/** One life of the process: reads until it is stopped, never gets a line twice. */
class Reader {
  readonly #source: ReturnType<typeof createFileTail>;
  readonly #stop = new AbortController();
  readonly #lines: { readonly text: string; readonly input: string; readonly end: number }[] = [];
  readonly #oracle: Oracle;
  #running: Promise<void> = Promise.resolve();
  #gate: PromiseWithResolvers<void> | undefined;
  #truncations = 0;

  private constructor(source: ReturnType<typeof createFileTail>, oracle: Oracle) {
    this.#source = source;
    this.#oracle = oracle;
  }

  static async open(path: string, checkpoint: string, oracle: Oracle): Promise<Reader> {
    let reader: Reader | undefined = undefined;
    const source = createFileTail({
      name: "audit",
      path,
      onAlarm: ({ kind }) => {
        if (reader !== undefined && kind === "truncated") {
          reader.#truncations++;
        }
      },
      checkpoint: await openCheckpoint(checkpoint),
      pollIntervalMs: 1,
      chunkBytes: 1000,
    });
    reader = new Reader(source, oracle);
    reader.#running = reader.#run();
    return reader;
  }

  /** Takes nothing more, as a pipeline does whose sinks are away, and keeps open what it has open. */
  pause(): void {
    this.#gate ??= Promise.withResolvers<void>();
  }

  /** Waits until it has seen that the file was cut. */
  async untilTruncated(): Promise<void> {
    for (let waited = 0; this.#truncations === 0; waited++) {
      expect(waited, "the cut was not seen").toBeLessThan(4000);
      await sleep(1);
    }
  }

  forgetCuts(): void {
    this.#truncations = 0;
  }

  resume(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  async ackAll(): Promise<void> {
    const last = this.#lines.at(-1);
    if (last !== undefined) {
      // Before the promise settles it may already be durable.
      this.#lines.forEach((line) => this.#oracle.acked(line.text));
      await this.#source.ack(last.input, last.end);
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.resume();
    await this.#running;
  }

  async #run(): Promise<void> {
    const seen = new Set<string>();
    let input = "";
    const framer = new LineFramer({
      line: (bytes, start, end, offset) => {
        const text = bytes.toString("utf8", start, end);
        expect(seen.has(text), `twice in one run: ${text}`).toBe(false);
        seen.add(text);
        this.#lines.push({ text, input, end: offset + end - start + 1 });
        this.#oracle.received(text);
      },
      oversize: () => undefined,
    });
    for await (const chunk of this.#source.open(this.#stop.signal)) {
      if (chunk.input !== input) {
        input = chunk.input;
        framer.reset(chunk.offset);
      }
      framer.write(chunk.bytes);
      if (chunk.isLast) {
        framer.end();
      }
      await this.#gate?.promise;
    }
  }
}
