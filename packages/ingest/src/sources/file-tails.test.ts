import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { LineFramer } from "@auditsieve/audit";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openCheckpoint } from "../state/checkpoint.ts";
import type { Source } from "../source.ts";
import { testSource } from "../source.suite.ts";
import { createFileTails } from "./file-tails.ts";

testSource("several file tails", {
  prepare: async (lines) => {
    const own = mkdtempSync(join(tmpdir(), "tails-suite-"));
    writeFileSync(join(own, "audit.log"), lines.map((line) => `${line}\n`).join(""));
    return {
      create: async () =>
        createFileTails({
          name: "audit",
          paths: [join(own, "*.log")],
          checkpoint: await openCheckpoint(join(own, "checkpoint.json")),
          pollIntervalMs: 2,
          chunkBytes: 4096,
        }),
      cleanUp: async () => rmSync(own, { recursive: true }),
    };
  },
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tails-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("file tails", () => {
  test("follow every log that fits, those that come later too, and no rotated one as a log of its own", async () => {
    write("a/audit.log", "a1\n");
    write("b/audit.log", "b1\n");
    write("a/audit-2026-11-24T00-00-01.000.log", "old\n");
    write("a/audit-2026-11-24T00-00-00.000.log.gz", gzipSync("older\n"));
    const run = await start();
    await run.until(2);
    write("c/audit.log", "c1\n");
    await run.until(3);
    renameSync(join(folder, "b/audit.log"), join(folder, "b/audit-2026-11-24T00-00-02.000.log"));
    write("b/audit.log", "b2\n");
    await run.until(4);
    expect((await run.stop()).toSorted()).toEqual(["a1", "b1", "b2", "c1"]);
  });

  test("read what was rotated away before a new log was first seen", async () => {
    write("a/audit.log", "a1\n");
    const run = await start(60);
    await run.until(1);
    write("b/audit-2026-11-24T00-00-02.000.log", "b1\n");
    write("b/audit.log", "b2\n");
    await run.until(3);
    expect((await run.stop()).toSorted()).toEqual(["a1", "b1", "b2"]);
  });

  test("keep the halves of two lines apart that are written in turn", async () => {
    write("a/audit.log", "a-first ");
    write("b/audit.log", "b-first ");
    const run = await start();
    await sleep(20);
    write("a/audit.log", "a-second\na-next");
    await run.until(1);
    write("b/audit.log", "b-second\n");
    await run.until(2);
    write("a/audit.log", "\n");
    await run.until(3);
    expect(await run.stop()).toEqual(["a-first a-second", "b-first b-second", "a-next"]);
  });

  test("acknowledge with a line all lines before it, of every log, and no byte more", async () => {
    const step = fc.oneof(
      fc.record({ file: fc.nat(2), text: fc.constantFrom("x", "y\n", "zz\nz", "\n", "long ".repeat(30)) }),
      fc.record({ file: fc.nat(2), rotate: fc.boolean() }),
      fc.constant("restart" as const),
      fc.constant("crash" as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        rmSync(folder, { recursive: true });
        mkdirSync(folder);
        const model = new Model(folder);
        // What was rotated away before the first start is not its business: the life begins with a first look.
        for (const file of [0, 1, 2]) {
          await model.apply({ file, text: "begin\n" });
        }
        await model.apply("restart");
        for (const one of steps) {
          await model.apply(one);
        }
        await model.finish();
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });
});

type Step = { file: number; text: string } | { file: number; rotate: boolean } | "restart" | "crash";

/** Three logs that are written, rotated and compressed, and a process that follows them, dies and starts again. */
class Model {
  readonly #folder: string;
  readonly #current = ["", "", ""];
  readonly #written = new Map<string, number>();
  readonly #seen = new Set<string>();
  readonly #acked = new Set<string>();
  #rotations = 0;
  #count = 0;
  #run: Run | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    for (const file of [0, 1, 2]) {
      writeFileSync(this.#path(file), "");
    }
  }

  async apply(step: Step): Promise<void> {
    if (step === "restart" || step === "crash") {
      await this.#read();
      const lines = (await this.#run?.stop()) ?? [];
      if (step === "restart") {
        lines.forEach((line) => this.#acked.add(line));
        await this.#run?.ackAll();
      }
      this.#run = undefined;
    } else if ("text" in step) {
      // Each line is one of a kind: it begins with a number.
      const text = step.text.replaceAll(/[a-z]+/g, (part) => `${part}${this.#count++}.`);
      appendFileSync(this.#path(step.file), text);
      this.#note(step.file, text);
    } else {
      if (this.#current[step.file] !== "") {
        appendFileSync(this.#path(step.file), "\n");
        this.#note(step.file, "\n");
      }
      const time = `2026-11-24T00-00-00.${String(this.#rotations++).padStart(3, "0")}`;
      const rotated = this.#path(step.file).replace(/\.log$/, `-${time}.log`);
      renameSync(this.#path(step.file), rotated);
      writeFileSync(this.#path(step.file), "");
      if (step.rotate) {
        writeFileSync(`${rotated}.gz`, gzipSync(readFileSync(rotated)));
        unlinkSync(rotated);
      }
    }
  }

  async finish(): Promise<void> {
    await this.#read();
    await this.#run?.stop();
    expect([...this.#seen].toSorted()).toEqual([...this.#written.keys()].toSorted());
  }

  #note(file: number, text: string): void {
    const lines = `${this.#current[file]}${text}`.split("\n");
    this.#current[file] = lines.pop() ?? "";
    lines.filter((line) => line !== "").forEach((line) => this.#written.set(line, file));
  }

  async #read(): Promise<void> {
    this.#run ??= await Run.start(this.#folder, join(this.#folder, "*.log"), 5000, (line) => {
      if (line !== "") {
        expect(this.#acked.has(line), `acknowledged and received again: ${line}`).toBe(false);
        this.#seen.add(line);
      }
    });
    for (let waited = 0; [...this.#written.keys()].some((line) => !this.#seen.has(line)); waited++) {
      expect(waited, "lines never came").toBeLessThan(4000);
      await sleep(1);
    }
  }

  #path(file: number): string {
    return join(this.#folder, `${file}.log`);
  }
}

/** Reads as the pipeline does: a framer for each input. */
class Run {
  readonly #source: Source;
  readonly #stop = new AbortController();
  readonly #lines: { readonly text: string; readonly input: string; readonly end: number }[] = [];
  #reading: Promise<void> = Promise.resolve();

  private constructor(source: Source) {
    this.#source = source;
  }

  static async start(
    folder: string,
    pattern: string,
    rescanIntervalMs = 5,
    onLine: (text: string) => void = () => undefined,
  ): Promise<Run> {
    const source = createFileTails({
      name: "audit",
      paths: [pattern],
      checkpoint: await openCheckpoint(join(folder, "checkpoint.json")),
      pollIntervalMs: 1,
      chunkBytes: 50,
      rescanIntervalMs,
    });
    const run = new Run(source);
    run.#reading = run.#read(onLine);
    return run;
  }

  async until(count: number): Promise<void> {
    for (let waited = 0; this.#lines.length < count; waited++) {
      expect(waited, `only ${this.#lines.map(({ text }) => text).join()}`).toBeLessThan(4000);
      await sleep(2);
    }
  }

  async ackAll(): Promise<void> {
    const last = this.#lines.at(-1);
    if (last !== undefined) {
      await this.#source.ack(last.input, last.end);
    }
  }

  async stop(): Promise<readonly string[]> {
    this.#stop.abort();
    await this.#reading;
    await this.#source.close();
    return this.#lines.map(({ text }) => text);
  }

  async #read(onLine: (text: string) => void): Promise<void> {
    const framers = new Map<string, LineFramer>();
    for await (const chunk of this.#source.open(this.#stop.signal)) {
      const { input } = chunk;
      let framer = framers.get(input);
      if (framer === undefined) {
        framer = new LineFramer({
          line: (bytes, start, end, offset) => {
            const text = bytes.toString("utf8", start, end);
            this.#lines.push({ text, input, end: offset + end - start + 1 });
            onLine(text);
          },
          oversize: () => undefined,
        });
        framer.reset(chunk.offset);
        framers.set(input, framer);
      }
      framer.write(chunk.bytes);
      if (chunk.isLast) {
        framer.end();
        framers.delete(input);
      }
    }
  }
}

function start(rescanIntervalMs?: number): Promise<Run> {
  return Run.start(folder, join(folder, "*", "*.log"), rescanIntervalMs);
}

function write(name: string, content: string | Buffer): void {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  expect(basename(path)).not.toBe("");
  appendFileSync(path, content);
}
