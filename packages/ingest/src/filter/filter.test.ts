import type { EventScan } from "@auditsieve/audit";
import type { QuietAnswer } from "@auditsieve/detect";
import { loadStreamPolicy, StreamPolicy } from "@auditsieve/policy";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Filter } from "./filter.ts";
import type { FilterOptions, FilterSummary, LineProblem } from "./filter-options.ts";

const POLICY = `
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: None, users: ["system:kube-scheduler"]}
- {level: Metadata, verbs: [create]}
- {level: RequestResponse, users: [jane, "system:node:n1"]}
`;

function streamPolicy(): StreamPolicy {
  const loaded = loadStreamPolicy(POLICY);
  if (loaded.outcome !== "accepted") {
    throw new Error(loaded.problems[0]?.message);
  }
  return new StreamPolicy(loaded.rules);
}

interface Result {
  readonly out: string;
  readonly summary: FilterSummary;
  readonly problems: readonly LineProblem[];
}

/** Filters each input, cut into chunks whose memory is overwritten after the call. */
function run(inputs: readonly (readonly Buffer[])[], options: Partial<FilterOptions> = {}): Result {
  const problems: LineProblem[] = [];
  const filter = new Filter({ policy: streamPolicy(), onProblem: (problem) => problems.push(problem), ...options });
  let out = "";
  for (const chunks of inputs) {
    for (const chunk of chunks) {
      const copy = Buffer.from(chunk);
      out += Buffer.concat(filter.write(copy)).toString("latin1");
      copy.fill(0x5a);
    }
    out += Buffer.concat(filter.end()).toString("latin1");
  }
  return { out, summary: filter.summary(), problems };
}

function event(user: string, verb: string, body = ""): string {
  return `{"kind":"Event","level":"RequestResponse","stage":"ResponseComplete","requestURI":"/api/v1/pods","verb":"${verb}","user":{"username":"${user}"},"requestObject":"${body}"}`;
}

const DROPPED = event("system:kube-scheduler", "get");
const KEPT = event("jane", "get");
const STRIPPED = event("jane", "create", "x");
const AFTER_STRIP = STRIPPED.replace('"RequestResponse"', '"Metadata"').replace(',"requestObject":"x"', "");
const UNMATCHED = event("joe", "get");
const DECOY = event("jane", "get").replace(
  '"requestObject":""',
  '"requestObject":{"user":{"username":"system:kube-scheduler"}}',
);
const GLUED = DROPPED.slice(0, -30) + event("mallory", "delete");

describe("Filter", () => {
  const expected: ReadonlyMap<string, string> = new Map([
    [DROPPED, ""],
    [UNMATCHED, ""],
    [KEPT, KEPT],
    [STRIPPED, AFTER_STRIP],
    [DECOY, DECOY],
    [GLUED, GLUED],
    ["", ""],
    ["\0\0\0", "\0\0\0"],
    [KEPT + "\r", KEPT + "\r"],
  ]);

  test("Filter keeps lines byte for byte and in order however the input is cut, and its counts sum", () => {
    const lines = fc.array(fc.constantFrom(...expected.keys()), { maxLength: 30 });
    fc.assert(
      fc.property(lines, fc.boolean(), fc.array(fc.nat(), { maxLength: 6 }), (input, closed, places) => {
        const bytes = Buffer.from(
          input.map((line, i) => line + (closed || i < input.length - 1 ? "\n" : "")).join(""),
          "latin1",
        );
        const cuts = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
        const chunks = [0, ...cuts].map((from, i) => bytes.subarray(from, cuts[i] ?? bytes.length));
        const { out, summary, problems } = run([chunks]);
        const isDropped = (line: string): boolean => line === DROPPED || line === UNMATCHED;
        const seen = closed || input.at(-1) !== "" ? input : input.slice(0, -1);
        const want = seen
          .map((line, i) => (isDropped(line) ? "" : expected.get(line) + (closed || i < input.length - 1 ? "\n" : "")))
          .join("");
        expect(out).toBe(want);
        const invalid = seen.filter((line) => line === GLUED || line === "" || line.startsWith("\0")).length;
        expect(summary.lines).toBe(seen.length);
        expect(summary.dropped).toBe(seen.filter(isDropped).length);
        expect(summary.kept + summary.dropped).toBe(summary.lines);
        expect(summary.stripped).toBe(seen.filter((line) => line === STRIPPED).length);
        expect([summary.invalid, problems.length]).toEqual([invalid, invalid]);
        expect([summary.bytes, summary.keptBytes]).toEqual([bytes.length, want.length]);
        expect(summary.byRule.reduce((sum, rule) => sum + rule.dropped, 0)).toBe(summary.dropped);
        expect(summary.byRule.reduce((sum, rule) => sum + rule.bytes, 0)).toBe(summary.bytes - summary.keptBytes);
      }),
    );
  });

  test("Filter counts what each rule did, and what no rule matched", () => {
    const input = Buffer.from(`${[DROPPED, DROPPED, KEPT, STRIPPED, UNMATCHED].join("\n")}\n`);
    expect(run([[input]]).summary.byRule).toEqual([
      { rule: 0, level: "None", dropped: 2, stripped: 0, bytes: 2 * (DROPPED.length + 1) },
      { rule: 1, level: "Metadata", dropped: 0, stripped: 1, bytes: STRIPPED.length - AFTER_STRIP.length },
      { rule: null, level: "None", dropped: 1, stripped: 0, bytes: UNMATCHED.length + 1 },
    ]);
  });

  test("Filter passes a line over the limit through whole, says where it is and goes on behind it", () => {
    const long = Buffer.concat([Buffer.from(KEPT.slice(0, -2)), Buffer.alloc(300_000, "a"), Buffer.from('"}\n')]);
    const input = Buffer.concat([Buffer.from(`${DROPPED}\n`), long, Buffer.from(`${KEPT}\n${DROPPED}\n`)]);
    const chunks = Array.from({ length: 5 }, (_, i) =>
      input.subarray(i * 70_000, i === 4 ? undefined : (i + 1) * 70_000),
    );
    const { out, summary, problems } = run([chunks], { maxLineBytes: 100_000 });
    expect(out).toBe(`${long.toString("latin1")}${KEPT}\n`);
    expect([summary.lines, summary.kept, summary.dropped, summary.invalid]).toEqual([4, 2, 2, 1]);
    expect(summary.keptBytes).toBe(out.length);
    expect(problems.map(({ line, offset, problem }) => [line, offset, problem.id])).toEqual([
      [2, DROPPED.length + 1, "line-too-long"],
    ]);
  });

  test("Filter counts lines and offsets of each input from its beginning", () => {
    const { problems, summary } = run([[Buffer.from(`${KEPT}\n{`)], [Buffer.from(`}\n${KEPT}`)]]);
    expect(problems.map(({ line, offset }) => [line, offset])).toEqual([
      [2, KEPT.length + 1],
      [1, 0],
    ]);
    expect(summary.lines).toBe(4);
  });

  test("Filter redacts what it keeps, and only that", () => {
    const redact = (line: Buffer, scan: EventScan | undefined): Buffer =>
      Buffer.from(scan === undefined ? "?" : line.toString().toUpperCase());
    const { out, summary } = run([[Buffer.from(`${DROPPED}\n${KEPT}\nbroken\n${STRIPPED}`)]], { redact });
    expect(out).toBe(`${KEPT.toUpperCase()}\n?\n${AFTER_STRIP.toUpperCase()}`);
    expect(summary.keptBytes).toBe(out.length);
  });

  test("Filter shows every decidable event, dropped ones too, before anything is cut", () => {
    const seen: string[] = [];
    run([[Buffer.from(`${DROPPED}\nbroken\n${STRIPPED}\n`)]], {
      watch: {
        event: (scan) => void seen.push(scan.bytes.toString("utf8", scan.start, scan.end)),
        unwanted: () => undefined,
        tell: () => {},
        epoch: 0,
      },
    });
    expect(seen).toEqual([DROPPED, STRIPPED]);
  });

  test("Filter takes envelopes off where they stand: what comes out and what is counted is what the lines in them would give", () => {
    const torn = KEPT.slice(0, 60);
    const envelopes: readonly (readonly [string, readonly string[]])[] = [
      [KEPT, [KEPT]],
      [JSON.stringify({ operationName: "x", properties: { log: `${STRIPPED}\n` } }), [STRIPPED]],
      [`2026-11-24T00:13:26.471Z ${DROPPED}`, [DROPPED]],
      [`{"kind":"EventList","items":[${[DROPPED, KEPT, DECOY].join(",")}]}`, [DROPPED, KEPT, DECOY]],
      ["broken", ["broken"]],
      [
        JSON.stringify({ messageType: "x", logEvents: [{ message: KEPT }, { message: "klog" }] }),
        [KEPT, '{"message":"klog"}'],
      ],
      [`{"kind":"EventList","items":[]}`, []],
      [`{"items":[${KEPT},${torn}`, [KEPT, torn]],
      [`[${STRIPPED},${UNMATCHED}]`, [STRIPPED, UNMATCHED]],
      [`${torn}${DROPPED}`, [`${torn}${DROPPED}`]],
      [`{\n  "kind": "EventList",\n  "items": [\n    ${KEPT},\n    5,\n    ${DROPPED}\n  ]\n}`, [KEPT, "5", DROPPED]],
      [`[\n${KEPT},\n${STRIPPED}\n]`, [KEPT, STRIPPED]],
      [KEPT.replace("{", "{\n  "), [KEPT]],
      ["{", ["{"]],
      [DROPPED, [DROPPED]],
      ["[", ["["]],
    ];
    const seen: string[][] = [[], []];
    const [mixed, plain] = [envelopes.map(([line]) => line), envelopes.flatMap(([, lines]) => lines)].map((lines, i) =>
      run([[Buffer.from(lines.map((line) => `${line}\n`).join(""))]], {
        watch: {
          event: (scan) => void seen[i]?.push(scan.bytes.toString("utf8", scan.start, scan.end)),
          unwanted: () => undefined,
          tell: () => {},
          epoch: 0,
        },
      }),
    ) as [Result, Result];
    expect(mixed.out).toBe(plain.out);
    expect(mixed.summary).toEqual(plain.summary);
    expect(seen[0]).toEqual(seen[1]);
    // Each is named by the line of the log that it stands in, and by where its record begins there.
    const offsetOf = (index: number): number =>
      envelopes.slice(0, index).reduce((sum, [line]) => sum + line.length + 1, 0);
    const inside = (index: number, text: string): number =>
      offsetOf(index) + (envelopes[index]?.[0] ?? "").indexOf(text);
    expect(mixed.problems.map(({ line, offset }) => [line, offset])).toEqual([
      [5, offsetOf(4)],
      [6, inside(5, '{"message":"klog"}')],
      [8, inside(7, torn) + KEPT.length + 1],
      [10, offsetOf(9)],
      [11, inside(10, "5,")],
      [25, offsetOf(13)],
      [27, offsetOf(15)],
    ]);
    const halves = run([[Buffer.from(mixed.out, "latin1")], [Buffer.from("broken")]]);
    expect(halves.problems.at(-1)?.line).toBe(1);
  });

  test.each([1_000_000, 700])(
    "Filter takes the lines out of a document too long to be held, chunks of %i bytes",
    async (chunkBytes) => {
      const items = Array.from({ length: 20 }, (_, i) => [KEPT, DROPPED, STRIPPED, "5"][i % 4] as string);
      const list = `{"kind":"EventList","items":[${items.join(",")}]}`;
      const over = `[\n${items.join(",\n")}\n]`;
      const documents = [KEPT, list, "broken", over, "torn", items.filter((item) => item !== "5").join(""), DROPPED];
      const lines = [KEPT, ...items, "broken", ...items, "torn", ...items.filter((item) => item !== "5"), DROPPED];
      const problems: LineProblem[] = [];
      const mixed = new Filter({
        policy: streamPolicy(),
        maxLineBytes: 1000,
        onProblem: (problem) => problems.push(problem),
      });
      await mixed.readyForLong();
      const log = Buffer.from(documents.map((line) => `${line}\n`).join(""));
      let out = "";
      for (let at = 0; at < log.length; at += chunkBytes) {
        out += Buffer.concat(mixed.write(Buffer.from(log.subarray(at, at + chunkBytes)))).toString();
      }
      out += Buffer.concat(mixed.end()).toString();
      const plain = run([[Buffer.from(lines.map((line) => `${line}\n`).join(""))]]);
      expect(out).toBe(plain.out);
      expect(mixed.summary()).toEqual(plain.summary);
      // A document is one line, and the one behind it has its own number.
      expect([...new Set(problems.map(({ line }) => line))]).toEqual([2, 3, 4, 26]);
      const said = problems.map(({ offset }) => log.toString("utf8", offset, offset + 4));
      expect([...new Set(said)]).toEqual(['5,{"', "5]}\n", "brok", "5,\n{", "5\n]\n", "torn"]);
    },
  );

  test("Filter keeps a line as it is that is none, and shows and counts the whole events in it", () => {
    const seen: string[] = [];
    const lines = [
      DROPPED + STRIPPED,
      DROPPED,
      `\0\0${KEPT}}`,
      `\0\0${KEPT}`,
      `\ufeff${DROPPED}`,
      `${KEPT}\0\0${DROPPED.slice(0, 90)}`,
    ];
    const watch = {
      event: (scan: EventScan) => void seen.push(scan.bytes.toString("utf8", scan.start, scan.end)),
      unwanted: () => undefined,
      tell: () => {},
      epoch: 0,
    };
    const { out, summary, problems } = run([[Buffer.from(lines.join("\n"))]], { watch });
    expect(out).toBe(Buffer.from(lines.filter((line) => !line.endsWith(DROPPED)).join("\n")).toString("latin1"));
    expect(summary).toMatchObject({ lines: 6, kept: 4, dropped: 2, invalid: 4, salvaged: 4 });
    // What stands behind NUL may be an object in a body, unless the line ends with it.
    expect(seen).toEqual([DROPPED, STRIPPED, DROPPED, KEPT, DROPPED, KEPT]);
    expect(problems.map(({ salvaged }) => salvaged)).toEqual([2, 0, 1, 1]);
    expect(run([[Buffer.from(lines.join("\n"))]]).summary).toEqual(summary);
  });

  test("Filter shows lines of other names once what was said of all of them has ended and only one is passed over", () => {
    const get = (name: string): string =>
      `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"6845599b-06ff-46d4-a7ee-6baf9a8420d3","stage":"ResponseComplete","requestURI":"/api/v1/nodes/${name}?x=1","verb":"get","user":{"username":"jane"},"sourceIPs":["::1"],"objectRef":{"resource":"nodes","name":"${name}"},"requestReceivedTimestamp":"2026-01-01T00:00:00.000000Z","stageTimestamp":"2026-01-01T00:00:00.000000Z"}`;
    const answer = (isNamed: boolean): QuietAnswer & { stands: boolean } => {
      return {
        isNamed,
        isForPlainNames: false,
        isOfNamespace: isNamed,
        tells: undefined,
        form: `${isNamed}`,
        stands: true,
      };
    };
    const ofAll = answer(false);
    const ofOne = answer(true);
    const seen: string[] = [];
    const filter = new Filter({
      policy: streamPolicy(),
      watch: {
        event: (scan) => void seen.push(scan.text("objectRef.name") ?? ""),
        unwanted: () => (ofAll.stands ? ofAll : ofOne),
        tell: () => {},
        get epoch() {
          return ofAll.stands ? 0 : 1;
        },
      },
    });
    const write = (...names: string[]): void =>
      void filter.write(Buffer.from(names.map((name) => `${get(name)}\n`).join("")));
    write("a", "b");
    expect(seen).toEqual(["a"]);
    ofAll.stands = false;
    write("a", "b", "a", "b", "c");
    expect(seen).toEqual(["a", "a", "b", "c"]);
  });
});
