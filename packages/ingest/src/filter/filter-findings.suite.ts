import { createRedactor } from "@auditsieve/audit";
import { DetectionEngine, FindingStream, loadDetectionFiles } from "@auditsieve/detect";
import type { FindingStreamOptions } from "@auditsieve/detect";
import type { StreamRules } from "@auditsieve/policy";
import { globSync, readFileSync } from "node:fs";
import { cutAnywhere, filterChunks, firstDifference } from "./filter-fuzz.suite.ts";
import { FindingTap } from "../detections/finding-tap.ts";
import type { FilterOptions } from "./filter-options.ts";
import { damage, mutateBytes, varyValues } from "./line-mutator.suite.ts";
import type { Dice } from "./line-mutator.suite.ts";

const ROOT = new URL("../../../../", import.meta.url);
const FILES = globSync("profiles/detections/*/*.yml", { cwd: ROOT }).map((file) => ({
  file,
  text: readFileSync(new URL(file, ROOT), "utf8"),
}));
let loaded: DetectionEngine | undefined;
let asking: DetectionEngine | undefined;

/** The shipped detections. */
export function shippedEngine(): DetectionEngine {
  loaded ??= new DetectionEngine(loadDetectionFiles(FILES).detections);
  return loaded;
}

const ASKING = `
title: Slow in the store
id: 6a0f8ad0-3c3e-4a0a-9a52-5b3f4a1f0c11
level: low
logsource: { product: kubernetes, service: audit }
detection:
  slow: { "annotations.apiserver.latency.k8s.io/etcd|endswith": "3ms", objectRef.resource: pods }
  condition: slow
---
title: Told about a microsecond
id: 6a0f8ad0-3c3e-4a0a-9a52-5b3f4a1f0c12
level: low
logsource: { product: kubernetes, service: audit }
detection:
  words: ["77.1"]
  verb: { verb: delete }
  condition: verb and words
`;

/** The shipped detections, and some that ask how long a request took. */
export function askingEngine(): DetectionEngine {
  const { detections, problems } = loadDetectionFiles([...FILES, { file: "asking.yml", text: ASKING }]);
  if (problems.length > 0) {
    throw new Error(problems[0]?.message);
  }
  return (asking ??= new DetectionEngine(detections));
}

/** Those of the event, which stand at its end, and any: also of an object. */
const OWN_ANNOTATIONS = /"annotations":\{"[^{}]*\}\}$/;
const ANY_ANNOTATIONS = /"annotations":\{"/;

/**
 * Another line of a request that was slow: with what the apiserver then says of it, in several spellings; and perhaps in a body, where
 * `isExact`: what {@link brokenMicro} breaks there is seen with `--verify` only.
 */
export function slowed(line: Buffer, dice: Dice, isExact: boolean): Buffer {
  const took = (): string =>
    `${dice.of(["", "1", "77.", "618.58", "2.00000"])}${dice.below(10)}${dice.of(["ms", "ms", "s", "µs", "µs", "ns", "3ms", "µµ", "é", "Â", "\\n", "\\u00b5s"])}`;
  const keys = ["etcd", "total", "response-write", "authentication"].slice(dice.below(3));
  const members = keys.map((key) => `"apiserver.latency.k8s.io/${dice.below(60) === 0 ? "x" : key}":"${took()}",`);
  const text = line.toString("latin1");
  return Buffer.from(
    text.replace(isExact ? ANY_ANNOTATIONS : OWN_ANNOTATIONS, (own) =>
      own.replace("{", () => `{${Buffer.from(members.join("")).toString("latin1")}`),
    ),
    "latin1",
  );
}

/** Bytes of a text that holds a µ, one of them another one: perhaps no text any more. */
export function brokenMicro(line: Buffer, dice: Dice): Buffer {
  const at = line.indexOf("µ");
  if (at === -1) {
    return line;
  }
  const broken = Buffer.from(line);
  broken[at + dice.below(2)] = dice.of([0x61, 0x22, 0x5c, 0xc2, 0xb5, 0xe2]);
  return broken;
}

/** Bounds so small that what is remembered is forgotten all the time. */
export function tinyBounds(dice: Dice): FindingStreamOptions {
  return {
    maxPods: dice.of([2, 5, 20]),
    maxGrants: dice.of([2, 5]),
    maxCredentials: dice.of([2, 5, 20, 100]),
    maxFirstSeen: dice.of([2, 5, 20, 100]),
    maxRequests: dice.of([2, 20, 1000]),
  };
}

/** Lines in random order, many of them several times, some changed in values that an apiserver may write, some by damage or anyhow. */
export function shuffledLines(lines: readonly Buffer[], dice: Dice, count: number, isExact: boolean): Buffer[] {
  const some = Array.from({ length: 2 + dice.below(60) }, () => dice.of(lines));
  return Array.from({ length: count }, () => {
    const line = dice.below(4) === 0 ? varyValues(dice.of(some), dice) : dice.of(some);
    return dice.below(20) > 0 ? line : isExact ? mutateBytes(line, dice) : damage(line, lines, dice);
  });
}

/**
 * What is different when the filter passes over what the detections want nothing of: in findings, in what is remembered, in what comes
 * out, in the counts.
 */
export function findingDifferences(
  rules: StreamRules,
  lines: readonly Buffer[],
  chunks: readonly Buffer[],
  bounds: FindingStreamOptions,
  options: Partial<FilterOptions>,
  isRedacting = false,
  engine: DetectionEngine = shippedEngine(),
): {
  readonly differences: readonly string[];
  readonly findings: number;
  readonly shown: number;
  readonly told: number;
} {
  const fast = watched(bounds, false, engine);
  const slow = watched(bounds, true, engine);
  const a = filterChunks(rules, chunks, { ...options, ...(isRedacting && redacting(false)), watch: fast.watch });
  const b = filterChunks(rules, [Buffer.concat(lines.flatMap((line) => [line, NEWLINE]))], {
    ...options,
    ...(isRedacting && redacting(true)),
    watch: slow.watch,
  });
  const differences = [
    a.out.equals(b.out) ? "" : `output: ${firstDifference(a.out, b.out)}`,
    JSON.stringify(a.summary) === JSON.stringify(b.summary) ? "" : "summary",
  ];
  const [found, expected] = [fast.end(), slow.end()];
  const at = expected.findings.findIndex((finding, i) => finding !== found.findings[i]);
  if (at !== -1 || found.findings.length !== expected.findings.length) {
    differences.push(`finding ${at}: ${found.findings[at]} instead of ${expected.findings[at]}`);
  }
  if (found.state !== expected.state) {
    differences.push(`state: ${firstDifference(Buffer.from(found.state), Buffer.from(expected.state))}`);
  }
  return {
    differences: differences.filter((each) => each !== ""),
    findings: expected.findings.length,
    shown: found.shown / Math.max(1, expected.shown),
    told: found.told / Math.max(1, expected.shown),
  };
}

/** Redacts what is kept, each line by itself or only those that may have to be. */
export function redacting(isEach: boolean): Partial<FilterOptions> {
  const redactor = createRedactor({ key: Buffer.alloc(32) });
  return {
    redact: (line, scan) =>
      scan === undefined
        ? redactor.redactUndecodable(line)
        : isEach
          ? redactor.redactLine(line)
          : redactor.redactScanned(scan, line),
    unredacted: isEach ? undefined : redactor.heads,
  };
}

/** As {@link findingDifferences}, cut at random places. */
export function findingDifferencesCut(
  rules: StreamRules,
  lines: readonly Buffer[],
  dice: Dice,
  options: Partial<FilterOptions>,
  isRedacting = false,
  bounds: FindingStreamOptions = tinyBounds(dice),
  engine: DetectionEngine = shippedEngine(),
): ReturnType<typeof findingDifferences> {
  const input = Buffer.concat(lines.flatMap((line) => [line, NEWLINE]));
  return findingDifferences(
    rules,
    lines,
    cutAnywhere(input, dice.below(8), dice),
    bounds,
    options,
    isRedacting,
    engine,
  );
}

const NEWLINE = Buffer.from("\n");

/** Remembers no two heads as one that differ in an annotation. */
class AskingStream extends FindingStream {
  override asksAnnotation(): boolean {
    return true;
  }
}

function watched(
  bounds: FindingStreamOptions,
  isShownAll: boolean,
  engine: DetectionEngine,
): {
  readonly watch: NonNullable<FilterOptions["watch"]>;
  end(): {
    readonly findings: readonly string[];
    readonly state: string;
    readonly shown: number;
    readonly told: number;
  };
} {
  const stream = isShownAll ? new AskingStream(engine, bounds) : new FindingStream(engine, bounds);
  const findings: string[] = [];
  const redactor = createRedactor({ key: Buffer.alloc(32) });
  const tap = new FindingTap(stream, redactor, (finding) => findings.push(JSON.stringify(finding)));
  let shown = 0;
  let told = 0;
  return {
    watch: {
      event: (scan, answer) => {
        shown++;
        tap.event(scan, answer);
      },
      unwanted: (scan) => (isShownAll ? undefined : tap.unwanted(scan)),
      unasked: (scan) => tap.unasked(scan),
      tell: (answer, line) => {
        told++;
        tap.tell(answer, line);
      },
      get epoch() {
        return tap.epoch;
      },
    },
    end: () => {
      const state = JSON.stringify(stream.snapshot());
      tap.end();
      return { findings, state, shown, told };
    },
  };
}
