import { expect } from "vitest";

/** Samples by name and labels, as they are written. */
export type Samples = ReadonlyMap<string, number>;

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const SAMPLE = new RegExp(
  `^(${NAME})(\\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*",?)*\\})? (-?\\d+(?:\\.\\d+)?(?:e[+-]\\d+)?|NaN|[+-]Inf)$`,
);

/**
 * Reads Prometheus' text format as strictly as its own checker: one HELP and one TYPE before the samples of a metric, which stand
 * together and are told from each other by their labels; counters, and only they, end in `_total`.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function parseExposition(text: string): { readonly counters: Samples; readonly gauges: Samples } {
  const counters = new Map<string, number>();
  const gauges = new Map<string, number>();
  const told = new Set<string>();
  let current: { readonly name: string; readonly type?: string } | undefined;
  expect(text.endsWith("\n"), "the last line ends").toBe(true);
  for (const line of text.slice(0, -1).split("\n")) {
    const [, keyword, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === "HELP") {
      expect(told.has(name), `${name} is described once`).toBe(false);
      expect(name).toMatch(new RegExp(`^${NAME}$`));
      expect(rest, "a help text escapes backslashes").not.toMatch(/\\(?![\\n])/);
      told.add(name);
      current = { name };
    } else if (keyword === "TYPE") {
      expect([line, name, current?.type]).toEqual([line, current?.name, undefined]);
      expect([name, rest]).toEqual([name, name.endsWith("_total") ? "counter" : "gauge"]);
      current = { name, type: rest };
    } else {
      const [, metric = "", labels = "", value = ""] = SAMPLE.exec(line) ?? expect.fail(`no sample: ${line}`);
      expect(metric, "a sample stands below its own type").toBe(current?.name);
      const names = [...labels.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="/g)].map(([, label]) => label);
      expect(new Set(names).size, line).toBe(names.length);
      const samples = current?.type === "counter" ? counters : gauges;
      expect(samples.has(metric + labels), `${line} stands once`).toBe(false);
      samples.set(metric + labels, Number(value));
    }
  }
  return { counters, gauges };
}
