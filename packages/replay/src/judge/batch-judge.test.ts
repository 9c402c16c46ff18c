import { EventScan } from "@auditsieve/audit";
import type { Finding } from "@auditsieve/detect";
import { describe, expect, test } from "vitest";
import { eventAt, linesOf, REDACTOR } from "../replay-fixtures.suite.ts";
import { EventInHand } from "../replayed-event.ts";
import { BatchJudge } from "./batch-judge.ts";
import type { JudgeThread } from "./judge-thread.ts";

type Waiting = Parameters<JudgeThread["ask"]>[1];

const LINE = Buffer.from(linesOf([eventAt(0, { requestObject: { spec: "x".repeat(1_000_000) } })]).trimEnd());

/** A judge whose thread answers when it is told to, and what hands it one more line of a megabyte. */
function judged(): { readonly judge: BatchJudge; readonly next: () => readonly Finding[]; readonly asked: Waiting[] } {
  const asked: Waiting[] = [];
  const thread = { ask: (_: unknown, waiting: Waiting): void => void asked.push(waiting) };
  const judge = new BatchJudge(thread, [], { redactionKey: Buffer.alloc(32), isBusy: true });
  const scan = new EventScan();
  const event = new EventInHand(scan, REDACTOR);
  const line = { micros: 0, log: 0, offset: 0, bytes: LINE, start: 0, end: LINE.length };
  return {
    judge,
    asked,
    next: () => {
      scan.scan(LINE, 0, LINE.length);
      event.next("log", 0);
      return judge.event(event, line);
    },
  };
}

function findings(count: number): readonly string[] {
  return Array.from({ length: count }, () => '{"summary":"found"}');
}

describe("BatchJudge", () => {
  test("BatchJudge is full until so much is judged that there is room", async () => {
    const { judge, asked, next } = judged();
    while (!judge.isFull) {
      next();
    }
    // The first question begins the run.
    expect(asked.length).toBeGreaterThan(10);
    let hasRoom = false;
    const room = judge.room().then(() => (hasRoom = true));
    await Promise.resolve();
    expect(hasRoom).toBe(false);
    asked[1]?.answer({ findings: findings(2) });
    await room;
    expect(judge.isFull).toBe(false);
    expect(next()).toHaveLength(2);
  });

  test("BatchJudge has many findings taken before there is room for lines", async () => {
    const { judge, asked, next } = judged();
    while (!judge.isFull) {
      next();
    }
    for (let i = 0; i < 10; i++) {
      next();
    }
    asked[1]?.answer({ findings: findings(1_000) });
    await judge.room();
    expect(judge.isFull).toBe(true);
    expect(next()).toHaveLength(1_000);
    // Where much is found few lines wait.
    for (let i = 2; i <= 10; i++) {
      asked[i]?.answer({ findings: findings(1_000) });
    }
    expect(judge.isFull).toBe(true);
    asked[11]?.answer({ findings: [] });
    expect(judge.isFull).toBe(false);
  });

  test("BatchJudge gives findings as they come while it settles", async () => {
    const { judge, asked, next } = judged();
    for (let i = 0; i < 8; i++) {
      next();
    }
    const taken: number[] = [];
    const settled = judge.settle((found) => void taken.push(found.length));
    for (const { answer } of asked.slice(1)) {
      answer({ findings: findings(3) });
      await Promise.resolve();
    }
    await settled;
    expect(taken.slice(0, asked.length - 1)).toEqual(asked.slice(1).map(() => 3));
  });
});
