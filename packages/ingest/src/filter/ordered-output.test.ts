import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as othersSpoke } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { OrderedOutput, TURNS_BYTES } from "./ordered-output.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-ordered-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("OrderedOutput", () => {
  const path = join(folder, "out");
  let descriptor: number;
  let one: OrderedOutput;
  let other: OrderedOutput;

  beforeEach(() => {
    descriptor = openSync(path, "w");
    const shared = new SharedArrayBuffer(TURNS_BYTES);
    one = new OrderedOutput(descriptor, shared, false);
    other = new OrderedOutput(descriptor, shared, false);
    return () => closeSync(descriptor);
  });

  const written = (): string => readFileSync(path, "latin1");

  test("OrderedOutput goes on with further pieces while an earlier one of another thread is not complete", async () => {
    expect([one.begin(), other.begin()]).toEqual([0, 1]);
    other.add([Buffer.from("b"), Buffer.from("B")]);
    await other.end();
    expect(other.begin()).toBe(2);
    other.add([Buffer.from("c")]);
    await other.end();
    expect(other.begin()).toBe(3);
    other.add([Buffer.from("d")]);
    one.add([Buffer.from("a")]);
    expect(written()).toBe("a");
    await one.end();
    expect(one.begin()).toBe(4);
    one.add([Buffer.from("e")]);
    expect(written()).toBe("a");
    other.add([Buffer.from("D")]);
    expect(written()).toBe("abBcdD");
    await one.end();
    await other.end();
    await Promise.all([one.finish(), other.finish()]);
    expect(written()).toBe("abBcdDe");
  });

  test("OrderedOutput writes what it held byte for byte, however it was handed over", async () => {
    const given = Buffer.alloc(1_500_001, "0123456789abc");
    one.begin();
    for (let round = 0; round < 3; round++) {
      other.begin();
      for (let at = 0, length = 1; at < given.length; at += length, length = (7 * length + round) % 400_000) {
        other.add([given.subarray(at, at + length)]);
      }
      await other.end();
    }
    await one.end();
    await other.finish();
    expect(readFileSync(path).equals(Buffer.concat([given, given, given]))).toBe(true);
  });

  test("OrderedOutput waits for its turn once it holds too much, and when it is asked to", async () => {
    one.begin();
    const many = Buffer.alloc(3 * 1024 * 1024, "x");
    let pieces = 0;
    const others = (async () => {
      for (; pieces < 5; pieces++) {
        other.begin();
        other.add([many]);
        await other.end();
      }
      other.begin();
      await other.waitForTurn();
      other.add([Buffer.from("y")]);
      await other.end();
      await other.finish();
    })();
    await othersSpoke();
    expect([pieces, written()]).toEqual([2, ""]);
    one.add([Buffer.from("w")]);
    await one.end();
    await others;
    expect(written()).toBe(`w${"x".repeat(5 * many.length)}y`);
  });
});
