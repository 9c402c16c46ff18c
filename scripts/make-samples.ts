/**
 * Makes samples/ from the recorded logs: cuts, redacts, checks, compresses, and writes samples/README.md.
 *
 *     node scripts/make-samples.ts FOLDER
 *
 * FOLDER holds recordings as they are: attack.log.zst, baseline.log.zst, attack-labels.jsonl, attack-steps.jsonl and
 * webhook-eventlist.json, or lineage.log.zst and lineage-steps.jsonl (test/recording), or all. Samples of a recording that
 * is not in it stay as they are.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { EnvelopeReader } from "../packages/audit/src/event-list/envelope-reader.ts";
import { createRedactor } from "../packages/audit/src/redact.ts";
import { writeReadme } from "./samples-readme.ts";
import { collectSecrets, findSecret } from "./samples-secrets.ts";
import { SMALL_LABELS, SMALL_OTHERS } from "./samples-small.ts";

/** Published on purpose: what it hides are values of a cluster made up for the recording, and that cluster is gone. */
const SAMPLE_KEY = Buffer.from("auditsieve samples, key is public");
const OUT = join(import.meta.dirname, "..", "samples");
const MOST_BYTES = 5_000_000;

/** By requestReceivedTimestamp, from and before. */
const QUIET = ["2026-11-24T00:13:26.471919Z", "2026-11-24T00:18:56.495327Z"] as const;
const WORKING_DAY = ["2026-11-24T00:24:56.000000Z", "2026-11-24T00:26:56.000000Z"] as const;

interface RecordedEvent {
  readonly auditID: string;
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly user: { readonly username?: string };
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("Cannot make samples: no folder given; call node scripts/make-samples.ts FOLDER");
  process.exit(2);
}

const redactor = createRedactor({ key: SAMPLE_KEY });
const attack = linesOf("attack.log.zst");
const baseline = linesOf("baseline.log.zst");
const labels = linesOf("attack-labels.jsonl");
const steps = linesOf("attack-steps.jsonl");
const lineage = linesOf("lineage.log.zst");
const lineageSteps = linesOf("lineage-steps.jsonl");
const [webhook = Buffer.alloc(0)] = linesOf("webhook-eventlist.json");
const webhookItems = itemsOf(webhook);
const secrets = collectSecrets([...attack, ...baseline, ...webhookItems, ...lineage]);

const files = [
  { name: "attack.log.zst", lines: attack },
  { name: "baseline.log.zst", lines: baseline },
  { name: "quiet.log.zst", lines: baseline.filter((line) => isWithin(line, QUIET)) },
  { name: "working-day.log.zst", lines: baseline.filter((line) => isWithin(line, WORKING_DAY)) },
  { name: "lineage.log.zst", lines: lineage },
  { name: "attack-labels.jsonl", lines: labels },
  { name: "attack-steps.jsonl", lines: steps },
  { name: "lineage-steps.jsonl", lines: lineageSteps },
  { name: "small.log", lines: attack.length === 0 ? [] : pickSmall() },
  { name: "webhook-eventlist.json", lines: webhook.length === 0 ? [] : [redactedItems(webhook, webhookItems)] },
].map(({ name, lines }) => {
  if (lines.length === 0) return present(name);
  const plain = Buffer.concat(lines.flatMap((line) => [redacted(name, line), Buffer.from("\n")]));
  const stored = name.endsWith(".zst") ? compress(plain) : plain;
  writeFileSync(join(OUT, name), stored);
  return { name, events: lines.length, bytes: plain.length, storedBytes: stored.length };
});

const total = files.reduce((sum, file) => sum + file.storedBytes, 0);
if (total > MOST_BYTES) throw new Error(`Cannot make samples: ${total} bytes, more than ${MOST_BYTES}; take less`);
writeReadme(join(OUT, "README.md"), files, SAMPLE_KEY);
console.log(`${total} bytes; none of ${secrets.size} secret values of the recording is in them`);
for (const file of files) console.log(file);

function linesOf(name: string): Buffer[] {
  const path = join(folder ?? "", name);
  return existsSync(path) ? plainLines(path) : [];
}

function plainLines(path: string): Buffer[] {
  const stored = readFileSync(path);
  return splitLines(path.endsWith(".zst") ? zstdDecompressSync(stored) : stored);
}

/** A sample as it stands already. */
function present(name: string): { name: string; events: number; bytes: number; storedBytes: number } {
  const lines = plainLines(join(OUT, name));
  const bytes = lines.reduce((sum, line) => sum + line.length + 1, 0);
  return { name, events: lines.length, bytes, storedBytes: readFileSync(join(OUT, name)).length };
}

/** The events of an EventList, each as it stands in it. */
function itemsOf(document: Buffer): Buffer[] {
  const reader = new EnvelopeReader();
  return splitLines(Buffer.concat([Buffer.from(reader.write(document)), reader.end()]));
}

/** The document with each item redacted, and not a byte of it changed otherwise. */
function redactedItems(document: Buffer, items: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const item of items) {
    const start = document.indexOf(item, at);
    parts.push(document.subarray(at, start), redacted("webhook-eventlist.json", item));
    at = start + item.length;
  }
  return Buffer.concat([...parts, document.subarray(at)]);
}

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

/** The redacted line, proven to hold no secret of the recording and to be the same event. */
function redacted(name: string, line: Buffer): Buffer {
  const clean = redactor.redactLine(line);
  const left = findSecret(clean, secrets);
  if (left !== undefined) throw new Error(`Cannot make ${name}: ${left} is still in ${clean.toString().slice(0, 200)}`);
  if (name.includes(".log")) {
    const [before, after] = [eventOf(line), eventOf(clean)];
    for (const field of ["auditID", "stage", "requestReceivedTimestamp", "stageTimestamp"] as const) {
      if (before[field] !== after[field]) throw new Error(`Cannot make ${name}: ${field} of ${before.auditID} changed`);
    }
  }
  return clean;
}

function isWithin(line: Buffer, [from, to]: readonly [string, string]): boolean {
  const time = eventOf(line).requestReceivedTimestamp;
  return time >= from && time < to;
}

/** The last event of each chosen label's first deed, and the first event of each other kind, in the order of the log. */
function pickSmall(): Buffer[] {
  const deeds = new Map<string, string>();
  for (const line of labels) {
    const { auditID, label, primary } = JSON.parse(line.toString()) as {
      auditID: string;
      label: string;
      primary: boolean;
    };
    if (primary && SMALL_LABELS.includes(label) && ![...deeds.values()].includes(label)) deeds.set(auditID, label);
  }
  const picked = new Map<string, Buffer>();
  for (const line of attack) {
    const event = eventOf(line);
    const label = deeds.get(event.auditID);
    if (label !== undefined && event.stage !== "RequestReceived") picked.set(label, line);
    for (const { stage, verb, user, uri } of SMALL_OTHERS) {
      const key = `${stage} ${verb} ${user} ${uri}`;
      const isSame = event.stage === stage && event.verb === verb && event.user.username === user;
      if (isSame && event.requestURI.startsWith(uri) && !picked.has(key)) picked.set(key, line);
    }
  }
  const chosen = new Set(picked.values());
  const wanted = SMALL_LABELS.length + SMALL_OTHERS.length;
  if (picked.size !== wanted) throw new Error(`Cannot make small.log: found ${picked.size} events of ${wanted}`);
  return attack.filter((line) => chosen.has(line));
}

function eventOf(line: Buffer): RecordedEvent {
  return JSON.parse(line.toString()) as RecordedEvent;
}

function compress(plain: Buffer): Buffer {
  const params = {
    [constants.ZSTD_c_compressionLevel]: 19,
    // 8 MB, which every decoder accepts.
    [constants.ZSTD_c_windowLog]: 23,
    [constants.ZSTD_c_enableLongDistanceMatching]: 1,
    [constants.ZSTD_c_checksumFlag]: 1,
  };
  return zstdCompressSync(plain, { params, pledgedSrcSize: plain.length });
}
