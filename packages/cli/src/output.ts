import type { Problem } from "@auditsieve/audit";
import { safeText } from "@auditsieve/detect/safe-text";
import { writeWhole } from "@auditsieve/ingest/write-whole";
import { fstatSync, statSync } from "node:fs";
import { devNull } from "node:os";
import { systemCode } from "./failure.ts";
import { writeFailure } from "./write-failure.ts";

/** Where data and messages go while nothing else writes: to these descriptors, without the streams, which start slowly. */
let isDirect = false;

/** From now on everything is written synchronously, and a closed pipe is an error of whoever writes. */
export function writeDirectly(): void {
  isDirect = true;
}

/** Data goes here. Resolves when the bytes are handed over, so that their memory may be used again. */
export function writeData(bytes: Buffer | string): Promise<void> {
  watching?.(bytes);
  if (isDirect) {
    try {
      writeTo(STDOUT, bytes);
    } catch (error) {
      throw dataFailure(error);
    }
    return DONE;
  }
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => {
      if (error === null || error === undefined) {
        resolve();
      } else {
        reject(dataFailure(error));
      }
    });
  });
}

/** Who reads our output may stop reading, which is no failure: that stays what it is. */
export function dataFailure(error: unknown): unknown {
  return systemCode(error) === "EPIPE" ? error : writeFailure("to standard output", error);
}

let watching: ((bytes: Buffer | string) => void) | undefined;

/** All data that is written from now on is shown to `watch` too. */
export function watchData(watch: (bytes: Buffer | string) => void): void {
  watching = watch;
}

/** Many small pieces of data, handed over together. */
export async function writeAllData(pieces: Iterable<string>): Promise<void> {
  let text = "";
  for (const piece of pieces) {
    text += piece;
    if (text.length >= MANY) {
      await writeData(text);
      text = "";
    }
  }
  if (text !== "") {
    await writeData(text);
  }
}

const MANY = 64 * 1024;

/** Many lines of data. */
export function writeLines(lines: Iterable<string>): Promise<void> {
  return writeAllData(terminated(lines));
}

function* terminated(lines: Iterable<string>): Generator<string, void> {
  for (const line of lines) {
    yield `${line}\n`;
  }
}

/** Where data goes. */
export const STDOUT = 1;
const STDERR = 2;
const DONE = Promise.resolve();

function writeTo(descriptor: number, text: Buffer | string): void {
  writeWhole(descriptor, typeof text === "string" ? Buffer.from(text) : text);
}

/** As {@link writeData} where nothing has to be waited for; undefined otherwise. */
export function writeDataNow(bytes: Buffer): Promise<void> | undefined {
  const written = writeData(bytes);
  return isDirect ? undefined : written;
}

/** One line of data. */
export function writeLine(line: string): Promise<void> {
  return writeData(`${line}\n`);
}

/** Everything that is not data: messages, counts, progress. */
export function say(line: string): void {
  if (isDirect) {
    writeTo(STDERR, `${line}\n`);
  } else {
    process.stderr.write(`${line}\n`);
  }
}

/** Says a problem with its place and its cure. Text that may come from a file is made safe to print. */
export function sayProblem(problem: Problem, where = ""): void {
  const place = [where, problem.line, problem.column].filter((part) => part !== undefined && part !== "").join(":");
  const prefix = place === "" ? "auditsieve" : safeText(place, MAX_MESSAGE);
  say(
    `${prefix}: ${problem.severity === "error" ? "" : `${problem.severity}: `}${safeText(problem.message, MAX_MESSAGE)}`,
  );
  if (problem.hint !== undefined) {
    say(`  hint: ${safeText(problem.hint, MAX_MESSAGE)}`);
  }
}

const MAX_MESSAGE = 2_000;

/** Whether people look at stdout: tables may have colour. */
export function hasColour(): boolean {
  return (process.env["NO_COLOR"] ?? "") === "" && (mayBePeople ??= mayBeTerminal(STDOUT)) && process.stdout.isTTY;
}

/** Asked once: a timeline may have a million lines. */
let mayBePeople: boolean | undefined;

/** Looked at first: making the stream takes as long as filtering 20 MB, and 40 MB where it is a pipe. */
function mayBeTerminal(descriptor: number): boolean {
  const status = fstatSync(descriptor);
  return status.isCharacterDevice() && status.rdev !== statSync(devNull).rdev;
}
