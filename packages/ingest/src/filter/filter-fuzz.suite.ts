import { loadStreamPolicy, StreamPolicy } from "@auditsieve/policy";
import type { StreamRules } from "@auditsieve/policy";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { Filter } from "./filter.ts";
import type { FilterOptions, FilterSummary, LineProblem } from "./filter-options.ts";
import { fateOf } from "./filter-oracle.suite.ts";
import { damage, varyValues } from "./line-mutator.suite.ts";
import type { Dice } from "./line-mutator.suite.ts";

const ROOT = join(import.meta.dirname, "../../../..");

/** The lines of a sample log, without newlines. */
export function sampleLines(name: string): readonly Buffer[] {
  const bytes = zstdDecompressSync(readFileSync(join(ROOT, "samples", name)));
  const lines: Buffer[] = [];
  for (let at = 0, end = bytes.indexOf(10); end !== -1; at = end + 1, end = bytes.indexOf(10, at)) {
    lines.push(bytes.subarray(at, end));
  }
  return lines;
}

/** The line as the item of an EventList. */
export function itemOf(line: Buffer): Buffer {
  return Buffer.from(line.toString("latin1").replace('"kind":"Event","apiVersion":"audit.k8s.io/v1",', ""), "latin1");
}

/** The line with a space behind each colon and comma, as many tools write JSON. */
export function spacedOf(line: Buffer): Buffer {
  const spaced = line
    .toString("latin1")
    .replaceAll(/"(?:[^"\\]|\\.)*"|[,:]/g, (token) => (token.length === 1 ? `${token} ` : token));
  return Buffer.from(spaced, "latin1");
}

/** A line in each of the forms in which logs come. */
export function formOf(line: Buffer, i: number): Buffer {
  const forms = [itemOf, spacedOf, (each: Buffer) => Buffer.concat([each, Buffer.from("\r")])];
  return forms[i % 9]?.(line) ?? line;
}

/** Policies that between them look at everything that a policy can look at. */
export function fuzzPolicies(): readonly StreamRules[] {
  const texts = [
    readFileSync(join(ROOT, "profiles/noise/control-loops.policy.yaml"), "utf8"),
    `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
stream: { keep: [{ responseCodes: [404, none] }] }
rules:
- {level: None, resources: [{group: "", resources: [pods], resourceNames: [web, node-1]}], verbs: [get, list, watch, delete]}
- {level: None, userGroups: ["system:nodes"], stream: {impersonated: false, responseCodes: [200, 201]}}
- {level: Metadata, namespaces: [kube-system], omitStages: [Panic]}
- {level: Request, resources: [{group: "", resources: ["pods/*", events]}], omitManagedFields: true}
- {level: None, nonResourceURLs: ["/api*", "/healthz*"]}
- {level: RequestResponse}
`,
    `
apiVersion: audit.k8s.io/v1
kind: Policy
stream: { keep: [{ userAgents: [curl/*], sourceIPs: [127.0.0.1] }, { impersonatedUsers: [dev-*] }] }
rules:
- {level: None, users: ["system:kube-scheduler"], stream: {userAgents: [kube-scheduler/*]}}
- {level: None, userGroups: ["system:nodes"], stream: {sourceIPs: [127.0.0.1], responseCodes: [200, none]}}
- {level: None, verbs: [get], stream: {annotations: {"authorization.k8s.io/decision": [allow]}}}
- {level: RequestResponse}
`,
  ];
  return texts.map((text) => {
    const loaded = loadStreamPolicy(text);
    if (loaded.outcome !== "accepted") {
      throw new Error(loaded.problems[0]?.message);
    }
    return loaded.rules;
  });
}

/** There are two in the process, for whoever asks first. */
const ROOMS = new Filter({ policy: new StreamPolicy({ policy: { rules: [] }, keep: [], conditions: [] }) }).rooms;

interface Filtered {
  readonly out: Buffer;
  readonly summary: FilterSummary;
  readonly problems: readonly LineProblem[];
}

/** Filters the chunks, whose memory is overwritten after each call. */
export function filterChunks(rules: StreamRules, chunks: readonly Buffer[], options: Partial<FilterOptions>): Filtered {
  const problems: LineProblem[] = [];
  const filter = new Filter({ policy: new StreamPolicy(rules), onProblem: (each) => problems.push(each), ...options });
  const out: Buffer[] = [];
  const take = (runs: readonly Buffer[]): void => void out.push(...runs.map((run) => Buffer.from(run)));
  for (const [turn, chunk] of chunks.entries()) {
    const room = ROOMS?.[(turn % 2) as 0 | 1].subarray(0, chunk.length);
    // Every other chunk lies where the command reads files into.
    const copy = room?.length === chunk.length && turn % 4 < 2 ? room : Buffer.alloc(chunk.length);
    copy.set(chunk);
    take(filter.write(copy));
    copy.fill(0x5a);
  }
  take(filter.end());
  return { out: Buffer.concat(out), summary: filter.summary(), problems };
}

/** One of several filters that work by turns. */
export interface Turn {
  readonly rules: StreamRules;
  readonly chunks: readonly Buffer[];
  readonly options: Partial<FilterOptions>;
}

/**
 * The filters that do something else by turns, in the one memory that they share, than alone: its number and what. Which one goes on
 * is left to the dice.
 */
export function differencesByTurns(turns: readonly Turn[], dice: Dice): readonly string[] {
  const running = turns.map(({ rules, chunks, options }) => {
    const problems: LineProblem[] = [];
    const filter = new Filter({
      policy: new StreamPolicy(rules),
      onProblem: (each) => problems.push(each),
      ...options,
    });
    return { filter, problems, chunks: [...chunks], out: [] as Buffer[] };
  });
  for (;;) {
    const unfinished = running.filter(({ chunks }) => chunks.length > 0);
    if (unfinished.length === 0) {
      break;
    }
    const { filter, chunks, out } = dice.of(unfinished);
    const chunk = chunks.shift() as Buffer;
    const room = ROOMS?.[dice.below(2) as 0 | 1].subarray(0, chunk.length);
    const copy = room?.length === chunk.length && dice.below(2) === 0 ? room : Buffer.alloc(chunk.length);
    copy.set(chunk);
    out.push(...filter.write(copy).map((run) => Buffer.from(run)));
    copy.fill(0x5a);
  }
  return running.flatMap(({ filter, problems, out }, i) => {
    const { rules, chunks, options } = turns[i] as Turn;
    const all = Buffer.concat([...out, ...filter.end().map((run) => Buffer.from(run))]);
    const alone = filterChunks(rules, chunks, options);
    const isSame =
      all.equals(alone.out) &&
      JSON.stringify([filter.summary(), problems]) === JSON.stringify([alone.summary, alone.problems]);
    return isSame ? [] : [`filter ${i}: ${firstDifference(all, alone.out)}`];
  });
}

/** Two filters with lines of the same kinds, plain and damaged, cut into chunks. */
export function twoTurns(policies: readonly StreamRules[], lines: readonly Buffer[], dice: Dice): readonly Turn[] {
  const some = Array.from({ length: 12 }, () => dice.of(lines));
  return [0, 1].map(() => {
    const input = Array.from({ length: 60 }, () => {
      const line = dice.below(3) === 0 ? varyValues(dice.of(some), dice) : dice.of(some);
      return dice.below(8) === 0 ? damage(line, lines, dice) : line;
    }).flatMap((line) => [line, NEWLINE]);
    const chunks = cutAnywhere(Buffer.concat(input), 3 + dice.below(12), dice);
    return { rules: dice.of(policies), chunks, options: { verify: dice.below(2) === 0 } };
  });
}

/** Cuts bytes at random places. */
export function cutAnywhere(bytes: Buffer, cuts: number, dice: Dice): readonly Buffer[] {
  const places = Array.from({ length: cuts }, () => dice.below(bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}

/**
 * The lines for which the filter does something else than the full parser, or than it does line by line. Every line stands twice: a
 * line that was decided must not be decided otherwise when it comes again.
 */
export function differences(
  rules: StreamRules,
  lines: readonly Buffer[],
  dice: Dice,
  options: Partial<FilterOptions>,
): readonly string[] {
  const input = Buffer.concat(lines.flatMap((line) => [line, NEWLINE]));
  const chunks = cutAnywhere(input, dice.below(5), dice);
  const fast = filterChunks(rules, chunks, options);
  // Whoever wants to see every event gets line by line, without templates.
  const slow = filterChunks(rules, [input], {
    watch: { event: () => {}, unwanted: () => undefined, tell: () => {}, epoch: 0 },
  });
  const found: string[] = [];
  if (!fast.out.equals(slow.out)) {
    found.push(`output: ${firstDifference(fast.out, slow.out)}`);
  }
  if (JSON.stringify(fast.summary) !== JSON.stringify(slow.summary)) {
    found.push(`summary: ${JSON.stringify(fast.summary)} instead of ${JSON.stringify(slow.summary)}`);
  }
  if (JSON.stringify(fast.problems) !== JSON.stringify(slow.problems)) {
    found.push("problems");
  }
  const fates = input
    .toString("latin1")
    .split("\n")
    .slice(0, -1)
    .map((line) => fateOf(Buffer.from(line, "latin1"), rules));
  const expected = {
    lines: fates.length,
    dropped: fates.filter((fate) => fate === "drop").length,
    invalid: fates.filter((fate) => fate === "invalid").length,
  };
  const { dropped, invalid, lines: count } = fast.summary;
  if (dropped !== expected.dropped || invalid !== expected.invalid || count !== expected.lines) {
    found.push(`full parser: ${JSON.stringify({ lines: count, dropped, invalid })}, not ${JSON.stringify(expected)}`);
  }
  return found;
}

const NEWLINE = Buffer.from("\n");

/** Where two outputs begin to differ, and the line there. */
export function firstDifference(a: Buffer, b: Buffer): string {
  let at = 0;
  while (at < a.length && a[at] === b[at]) {
    at++;
  }
  const from = Math.max(0, a.lastIndexOf(10, at - 1) + 1);
  return `at ${at} of ${a.length} and ${b.length}: ${b.toString("latin1", from, from + 3000)}`;
}
