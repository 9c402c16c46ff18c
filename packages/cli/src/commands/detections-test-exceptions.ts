import { DetectionEngine, evaluateCase, FindingStream } from "@auditsieve/detect";
import type { Detection, DetectionException, Outcome } from "@auditsieve/detect";
import { existsSync } from "node:fs";
import { casesFileOf, readCases } from "./detections-cases.ts";
import type { Case, CaseWords } from "./detections-cases.ts";

/** What an exception makes of a case: `missed` is what no detection finds even without it. */
export type Excused = "suppressed" | "found" | "missed";

/** An exceptions file with the cases beside it. */
export interface TestedExceptions {
  readonly file: string;
  readonly cases: string;
  readonly results: readonly (Case<"suppressed" | "found"> & { readonly outcome: Excused })[];
}

const WORDS: CaseWords<"suppressed" | "found"> = ["suppressed", "found"];

/** Runs the cases beside exceptions files; a file without cases has no results. */
export async function testExceptions(
  exceptions: readonly DetectionException[],
  detections: readonly Detection[],
): Promise<readonly TestedExceptions[]> {
  const tested: TestedExceptions[] = [];
  for (const file of new Set(exceptions.map((one) => one.file))) {
    const cases = casesFileOf(file);
    const own = exceptions.filter((one) => one.file === file);
    const read = existsSync(cases) ? await readCases(cases, WORDS) : [];
    tested.push({
      file,
      cases,
      results: read.map((one) => ({ ...one, outcome: excusedBy(own, one, detections) })),
    });
  }
  return tested;
}

/** What the exceptions make of the last event, for the detections that they are about. */
function excusedBy(
  own: readonly DetectionException[],
  { events }: Case<string>,
  detections: readonly Detection[],
): Excused {
  const about = detections.filter(({ exceptions = [] }) => exceptions.some((one) => own.includes(one)));
  const stream = new FindingStream(new DetectionEngine(detections));
  const counted = (): number => own.reduce((sum, { id }) => sum + (stream.counts().suppressed[id] ?? 0), 0);
  events.slice(0, -1).forEach((one) => stream.push(one));
  const before = counted();
  const findings = [...events.slice(-1).flatMap((one) => stream.push(one)), ...stream.flush()];
  const isFound = findings.some((finding) => about.some(({ id }) => id === finding.detection.id));
  return isFound ? "found" : counted() > before ? "suppressed" : "missed";
}

/** Which exceptions keep a case from being found that the detection is made for. */
export function hiddenBy(
  detection: Detection,
  { events }: Case<string>,
  all: readonly Detection[],
): readonly DetectionException[] {
  const outcome = (exceptions: readonly DetectionException[]): Outcome => {
    const others = all.map((one) => (one.id === detection.id ? one : without(one)));
    const [last] = events.slice(-1);
    const tuned = { ...without(detection), ...(exceptions.length > 0 && { exceptions }) };
    return last === undefined ? "miss" : evaluateCase(tuned, last, events.slice(0, -1), others);
  };
  const { exceptions = [] } = detection;
  return exceptions.length > 0 && outcome([]) === "hit" ? exceptions.filter((one) => outcome([one]) !== "hit") : [];
}

function without({ exceptions: _exceptions, ...detection }: Detection): Detection {
  return detection;
}
