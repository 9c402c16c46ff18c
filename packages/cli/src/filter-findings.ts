import type { Redactor } from "@auditsieve/audit";
import { DetectionEngine, FindingStream } from "@auditsieve/detect";
import { FindingTap } from "@auditsieve/ingest/findings";
import { boundHeap, FindingStore } from "@auditsieve/replay/findings";
import { keepHeapSmall } from "./keep-heap-small.ts";
import { compileLater, markAsEver, markLater } from "./compile-later.ts";
import { loadDetectionSet } from "./detection-set.ts";
import { preparedDetections } from "./prepared-detections.ts";
import { SHIPPED } from "./shipped-files.ts";
import { writeFindings } from "./write-findings.ts";

/** Of findings that wait to be written, in memory: of a long log there may be any number. */
const HELD_BYTES = 8 * 1024 * 1024;

/** The shipped detections beside a filter, and what they have found so far. */
export interface FilterFindings {
  readonly tap: FindingTap;
  /** To be called with every chunk: keeps the memory of a long run small. */
  afterChunk(): void;
  /** The input has ended: writes all findings to the file. */
  write(file: string): Promise<void>;
}

/** It is loaded only where findings are wanted: its modules start slowly. */
export function filterFindings(exceptions: readonly string[], redactor: Redactor): FilterFindings {
  compileLater("filter");
  markLater();
  const prepared = exceptions.length === 0 ? preparedDetections() : undefined;
  const engine = new DetectionEngine(prepared ?? loadDetectionSet([SHIPPED], exceptions).detections);
  const findings = new FindingStore({ isInOrderOfAdding: true, heldBytes: HELD_BYTES });
  const tap = new FindingTap(new FindingStream(engine), redactor, (finding) => findings.add(finding));
  const lookAtHeap = keepHeapSmall(markAsEver);
  // Not by `performance`, which is another module of Node: once V8's flags are set it is compiled anew.
  const heap = boundHeap({ now: () => 1000 * process.uptime() });
  return {
    tap,
    afterChunk: () => {
      lookAtHeap();
      heap.look();
    },
    write: async (file) => {
      tap.end();
      heap.release();
      await writeFindings(file, findings.bytes());
      findings.close();
    },
  };
}
