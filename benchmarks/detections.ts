import { readFileSync } from "node:fs";
import { createRedactor, EventScan } from "../packages/audit/src/index.ts";
import { shippedDetections } from "../packages/cli/src/shipped.ts";
import { DetectionEngine, FindingStream } from "../packages/detect/src/index.ts";
import { FindingTap } from "../packages/ingest/src/findings-door.ts";

/**
 * What the shipped detections cost inside one process, in user CPU: loading them; then in each pass over a plain log the scan of its lines, the
 * detections with that scan, and a loop that only splits and parses. The first pass is that of a new process. Profile it with
 * `node --cpu-prof benchmarks/detections.ts LOG [PASSES]`; 3 passes by default. Prints a table.
 */
const [, , path, passes = "3"] = process.argv;
if (path === undefined) {
  throw new Error("Name a plain log: node benchmarks/detections.ts LOG [PASSES]");
}
const log = readFileSync(path);
const NEWLINE = 10;

function userMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  return Math.round(process.cpuUsage(before).user / 1000);
}

function eachLine(take: (start: number, end: number) => void): void {
  let start = 0;
  for (let end = log.indexOf(NEWLINE); end !== -1; end = log.indexOf(NEWLINE, start)) {
    take(start, end);
    start = end + 1;
  }
}

let engine = new DetectionEngine([]);
const load = userMs(() => {
  engine = new DetectionEngine(shippedDetections());
});
const redactor = createRedactor({ key: Buffer.alloc(32, 1) });
const rows = Array.from({ length: Number(passes) }, (_, index) => {
  const scan = new EventScan();
  let findings = 0;
  const tap = new FindingTap(new FindingStream(engine), redactor, () => findings++);
  return {
    pass: index + 1,
    "detections with the scan": userMs(() => {
      eachLine((start, end) => {
        if (scan.scan(log, start, end)) {
          tap.event(scan);
        }
      });
      tap.end();
    }),
    "scan alone": userMs(() => eachLine((start, end) => scan.scan(log, start, end))),
    "split + JSON.parse": userMs(() => eachLine((start, end) => JSON.parse(log.toString("utf8", start, end)))),
    findings,
  };
});
console.log(
  `${engine.detections.length} detections loaded in ${load} ms of user CPU; ms of each pass over ${log.length} bytes:`,
);
console.table(rows);
