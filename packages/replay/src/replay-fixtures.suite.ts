import { createRedactor } from "@auditsieve/audit";
import type { Redactor } from "@auditsieve/audit";
import { DetectionEngine, loadDetections } from "@auditsieve/detect";
import type { Detection, Finding } from "@auditsieve/detect";
import { archiveSource, Pipeline } from "@auditsieve/ingest";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";
import type { ReplayLog } from "./lines/log-reader.ts";

export const ROOT: string = fileURLToPath(new URL("../../..", import.meta.url));

export const REDACTOR: Redactor = createRedactor({ key: Buffer.alloc(32, 7) });

/** A log in memory, in chunks of that size. */
export function logOf(name: string, content: string | Buffer, chunkBytes = 64 * 1024): ReplayLog {
  const bytes = Buffer.from(content);
  return {
    name,
    async *open() {
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        await Promise.resolve();
        // Whoever keeps a chunk instead of copying it must notice.
        const chunk = Buffer.from(bytes.subarray(at, at + chunkBytes));
        yield chunk;
        chunk.fill(0);
      }
    },
  };
}

/** A log in memory that can be read in any order, as a plain file can. */
export function plainLogOf(name: string, content: string | Buffer, chunkBytes?: number): ReplayLog {
  const bytes = Buffer.from(content);
  return {
    ...logOf(name, bytes, chunkBytes),
    openLines: () =>
      Promise.resolve({
        size: bytes.length,
        readAt: (target, offset) => bytes.copy(target, 0, Math.min(offset, bytes.length)),
        lineAt(offset) {
          const end = bytes.indexOf(10, offset);
          return offset >= bytes.length ? undefined : Buffer.from(bytes.subarray(offset, end === -1 ? undefined : end));
        },
        close: () => undefined,
      }),
  };
}

/** A sample of the repository, unpacked. */
export function sample(name: string): Buffer {
  const bytes = readFileSync(join(ROOT, "samples", name));
  return name.endsWith(".zst") ? zstdDecompressSync(bytes) : bytes;
}

let shipped: readonly Detection[] | undefined;

/** The shipped detections, compiled once. */
export function shippedDetections(): readonly Detection[] {
  return (shipped ??= loadShipped());
}

function loadShipped(): readonly Detection[] {
  const folder = join(ROOT, "profiles/detections");
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".yml"))
    .sort()
    .flatMap((file) => loadDetections(readFileSync(join(folder, file), "utf8"), file).detections);
}

/** An event at so many milliseconds after 2026-11-24T10:00. */
export function eventAt(ms: number, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const time = new Date(Date.UTC(2026, 10, 24, 10) + ms).toISOString().replace("Z", "000Z");
  return {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: `id-${ms}`,
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/shop/pods",
    verb: "list",
    user: { username: "ann", groups: ["system:authenticated"] },
    objectRef: { resource: "pods", namespace: "shop", apiVersion: "v1" },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: time,
    stageTimestamp: time,
    annotations: { "authorization.k8s.io/decision": "allow" },
    ...more,
  };
}

/** Events as the lines of a log. */
export function linesOf(events: readonly unknown[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join("");
}

/** What the daemon's pipeline finds in a log, in order of time. */
export async function liveFindings(
  log: string | Buffer,
  detections: readonly Detection[],
): Promise<readonly Finding[]> {
  const live: Finding[] = [];
  const pipeline = new Pipeline({
    source: archiveSource({ logs: [logOf("live", log)] }),
    feeds: [
      {
        feed: "findings",
        sink: {
          name: "live",
          write: (batch) => {
            live.push(
              ...batch
                .filter(({ kind }) => kind === "finding")
                .map(({ document }) => JSON.parse(document.toString()) as Finding),
            );
            return Promise.resolve(batch.map(() => ({ status: "stored" })));
          },
          close: () => Promise.resolve(),
        },
      },
    ],
    sideLogs: {
      deadLetter: () => Promise.resolve(),
      quarantine: () => Promise.resolve(),
      close: () => Promise.resolve(),
    },
    cluster: "test",
    idKey: Buffer.alloc(32, 1),
    redactor: REDACTOR,
    detections: new DetectionEngine(detections),
  });
  await pipeline.run(new AbortController().signal);
  return live.toSorted((a, b) => (a.time + a.id < b.time + b.id ? -1 : 1));
}
