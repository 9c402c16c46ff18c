import { StreamPolicy } from "@auditsieve/policy/stream";
import { loadStreamPolicy } from "@auditsieve/policy";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Filter } from "./filter.ts";
import type { LineProblem } from "./filter-options.ts";

const line = (n: number, verb = "list"): string =>
  `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"6845599b-06ff-46d4-a7ee-${n.toString(16).padStart(12, "0")}","stage":"ResponseComplete","requestURI":"/api/v1/pods?n=${n}","verb":"${verb}","user":{"username":"jane"}}\n`;
const text = (from: number, count: number): string =>
  Array.from({ length: count }, (_, i) => line(from + i, i % 3 === 0 ? "get" : "list")).join("");
function policy(): StreamPolicy {
  const loaded = loadStreamPolicy(
    "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, verbs: [get]}, {level: Request}]",
  );
  if (loaded.outcome === "refused") {
    throw new Error("The policy of the test is refused");
  }
  return new StreamPolicy(loaded.rules);
}

const PARTS: Readonly<Record<string, (content: string) => Buffer>> = {
  gzip: (content) => gzipSync(content),
  // Its time is such that a line ends in its first bytes.
  "gzip of another time": (content) => {
    const packed = gzipSync(content);
    packed[5] = 10;
    return packed;
  },
  zstd: (content) => zstdCompressSync(content),
  "UTF-16": (content) => Buffer.from(content, "utf16le"),
};

/** Filters up to where the part begins, goes on with `made` of it, and gives what came out. */
function filtered(chunks: readonly Buffer[], made: string) {
  const problems: LineProblem[] = [];
  const filter = new Filter({ policy: policy(), onProblem: (problem) => problems.push(problem) });
  let out = "";
  const add = (runs: readonly Buffer[]): void => runs.forEach((run) => void (out += run.toString()));
  for (const chunk of chunks) {
    add(filter.write(chunk, true));
    if (filter.part !== undefined) {
      break;
    }
  }
  add(filter.part === undefined ? filter.end(true) : []);
  const { part } = filter;
  if (part !== undefined) {
    add(filter.write(Buffer.from(made)));
  }
  add(filter.end());
  return { out, part, problems, summary: filter.summary() };
}

describe.each(Object.entries(PARTS))("Filter.part, of a log with a part in %s", (_, pack) => {
  const behind = text(5000, 40);

  test.each([1, 2, 3, 10, 300])("is where it begins, of %i lines, and nothing is taken from there on", (count) => {
    const few = text(1000, count);
    for (const [before, torn] of [
      [text(0, 50), ""],
      [text(0, 50), line(99).slice(0, 77)],
      ["", ""],
    ] as const) {
      const plain = before + torn;
      const log = Buffer.concat([Buffer.from(plain), pack(few), Buffer.from(behind)]);
      for (const chunkBytes of [log.length, 4096, 1000]) {
        const chunks = Array.from({ length: Math.ceil(log.length / chunkBytes) }, (_each, i) =>
          log.subarray(i * chunkBytes, (i + 1) * chunkBytes),
        );
        const { out, part, problems, summary } = filtered(chunks, few + behind);
        expect(part?.offset).toBe(plain.length);
        const given = log.subarray(plain.length, plain.length + (part?.given.length ?? 0));
        expect(part?.given.equals(given)).toBe(true);
        expect((plain.length + given.length) % chunkBytes === 0 || plain.length + given.length === log.length).toBe(
          true,
        );
        const alone = new Filter({ policy: policy() });
        const expected = [...alone.write(Buffer.from(plain + few + behind)), ...alone.end()].map(String).join("");
        expect(out).toBe(expected);
        expect(summary).toEqual(alone.summary());
        expect(problems.map(({ line: number }) => number)).toEqual(torn === "" ? [] : [51]);
      }
    }
  });

  test("is found at the end of an input, too, and where nobody asks for it is read as lines", () => {
    const few = text(1000, 2);
    const log = Buffer.concat([Buffer.from(text(0, 5)), pack(few)]);
    expect(filtered([log], few).out).toBe(filtered([Buffer.from(text(0, 5) + few)], "").out);
    const alone = new Filter({ policy: policy() });
    alone.write(log);
    alone.end();
    expect(alone.part).toBeUndefined();
    expect(alone.summary().invalid).toBeGreaterThan(0);
  });
});
