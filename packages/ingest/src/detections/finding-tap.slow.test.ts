import { createRedactor, EventScan } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { DetectionEngine, FindingStream, loadDetectionFiles } from "@auditsieve/detect";
import { globSync, readFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { expect, it } from "vitest";
import { FindingTap } from "./finding-tap.ts";

const root = new URL("../../../../", import.meta.url);
const files = globSync("profiles/detections/*/*.yml", { cwd: root }).map((file) => ({
  file,
  text: readFileSync(new URL(file, root), "utf8"),
}));

it("finds the same on the attack log by heads alone as by every event parsed whole", () => {
  const engine = new DetectionEngine(loadDetectionFiles(files).detections);
  const log = zstdDecompressSync(readFileSync(new URL("samples/attack.log.zst", root)));
  const byHeads: string[] = [];
  const tap = new FindingTap(new FindingStream(engine), createRedactor({ key: Buffer.alloc(32) }), ({ id }) =>
    byHeads.push(id),
  );
  const whole = new FindingStream(engine);
  const byParse: string[] = [];
  const scan = new EventScan();
  for (let start = 0, end = log.indexOf(10); end >= 0; start = end + 1, end = log.indexOf(10, start)) {
    expect(scan.scan(log, start, end)).toBe(true);
    tap.event(scan);
    // No view of bytes, no memo, no body parsed late.
    const event = JSON.parse(log.toString("utf8", start, end)) as AuditEvent;
    byParse.push(...whole.push(event).map(({ id }) => id));
  }
  tap.end();
  byParse.push(...whole.flush().map(({ id }) => id));
  expect(byHeads.length).toBeGreaterThan(50);
  expect(byHeads).toEqual(byParse);
});
