import { createRedactor, EventScan } from "@auditsieve/audit";
import { DetectionEngine, findingJson, loadDetectionFiles } from "@auditsieve/detect";
import type { DetectionSource, Finding, FindingStreamCounts, HeadView } from "@auditsieve/detect";
import { HeadMemo, scanHead } from "@auditsieve/ingest/findings";
import { FindingJudge } from "./finding-judge.ts";
import type { JudgeSnapshot } from "./finding-judge.ts";
import { EventInHand } from "../replayed-event.ts";
import { readLines } from "./line-batch.ts";
import type { SharedLines } from "./line-batch.ts";

/** What detections are loaded from: compiled ones cannot be handed to another thread. */
export interface DetectionTexts {
  readonly texts: readonly DetectionSource[];
  readonly exceptions: readonly { readonly file: string; readonly text: string }[];
  /** When exceptions have ended, ms. */
  readonly now: number;
}

/** What a thread is asked; it answers each in turn. */
export type Asked =
  /** Once and first; it is not answered. */
  { readonly kind: "load"; readonly texts: DetectionTexts } | Question;

/** What is asked of the detections. */
export type Question =
  /** A run begins, perhaps from a snapshot: what was before it is forgotten. */
  | {
      readonly kind: "begin";
      readonly redactionKey: Uint8Array;
      /** Whether lines come with the word whether their Audit-ID is used again. */
      readonly areAuditIdsSeen: boolean;
      readonly snapshot: JudgeSnapshot | undefined;
    }
  | { readonly kind: "lines"; readonly lines: SharedLines }
  /** To be asked until counts are answered: what is found at the end comes in blocks. */
  | { readonly kind: "finish" }
  | { readonly kind: "snapshot" };

/** Findings that are ready, each as its JSON, and what else was asked for. */
export interface Answer {
  readonly findings: readonly string[];
  readonly counts?: FindingStreamCounts;
  readonly snapshot?: JudgeSnapshot;
}

interface Case {
  readonly judge: FindingJudge;
  readonly scan: EventScan;
  readonly head: HeadView;
  readonly event: EventInHand;
  readonly areAuditIdsSeen: boolean;
  /** Once it is finishing. */
  last: Iterator<readonly Finding[], void> | undefined;
}

/** A block of what is found at the end has so many findings at least. */
const BLOCK = 256;
const NOTHING: Answer = { findings: [] };

/** Judges the events of one run after the other, as they are handed over. */
export class JudgeDesk {
  readonly #engine: DetectionEngine;
  #case: Case | undefined;
  /** Number of the head of the event in hand. */
  #head = 0;

  constructor({ texts, exceptions, now }: DetectionTexts) {
    this.#engine = new DetectionEngine(loadDetectionFiles(texts, { exceptions, now }).detections);
  }

  answer(asked: Question): Answer {
    if (asked.kind === "begin") {
      this.#begin(asked);
      return NOTHING;
    }
    const { judge, scan, head, event, areAuditIdsSeen } = this.#case as Case;
    switch (asked.kind) {
      case "lines": {
        const findings: string[] = [];
        readLines(asked.lines, scan, ({ head: number, isUsedAgain }) => {
          this.#head = number;
          event.next("", 0);
          const found = judge.event(event, head, areAuditIdsSeen ? isUsedAgain : undefined);
          if (found.length > 0) {
            findings.push(...found.map(findingJson));
          }
        });
        return findings.length === 0 ? NOTHING : { findings };
      }
      case "finish":
        return this.#finish(this.#case as Case);
      case "snapshot":
        return { findings: [], snapshot: judge.snapshot() };
      default:
        return asked satisfies never;
    }
  }

  #finish(of: Case): Answer {
    const last = (of.last ??= of.judge.flush());
    const findings: string[] = [];
    while (findings.length < BLOCK) {
      const { done, value } = last.next();
      if (done === true) {
        // All that was remembered may go while the other thread still works on what was found.
        this.#case = undefined;
        return { findings, counts: of.judge.counts() };
      }
      findings.push(...value.map(findingJson));
    }
    return { findings };
  }

  #begin({ redactionKey, areAuditIdsSeen, snapshot }: Extract<Question, { readonly kind: "begin" }>): void {
    const scan = new EventScan();
    const memo = new HeadMemo(scan, () => this.#head);
    const judge = new FindingJudge(this.#engine);
    if (snapshot !== undefined) {
      judge.restore(snapshot);
    }
    const event = new EventInHand(scan, createRedactor({ key: redactionKey }), memo);
    this.#case = { judge, scan, head: scanHead(scan, memo), event, areAuditIdsSeen, last: undefined };
  }
}
