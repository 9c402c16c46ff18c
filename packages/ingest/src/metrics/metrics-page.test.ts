import { describe, expect, test } from "vitest";
import { parseExposition } from "../daemon/exposition.suite.ts";
import { MetricsPage } from "./metrics-page.ts";

describe("MetricsPage", () => {
  test("writes what Prometheus reads, whatever a label holds", () => {
    const page = new MetricsPage();
    page.add("lag_seconds", "gauge", "Lag", 0.5, { id: "a" });
    page.add("lines_total", "counter", "Lines", 2, { id: 'a "quoted\\" {name},\n# TYPE x counter' });
    page.add("lag_seconds", "gauge", "Lag", 1e-7, { id: "b" });
    page.add("lag_seconds", "gauge", "Lag", undefined, { id: "c" });
    page.add("bare", "gauge", "No labels", 1);
    const { counters, gauges } = parseExposition(page.text());
    expect([...counters]).toEqual([['auditsieve_lines_total{id="a \\"quoted\\\\\\" {name},\\n# TYPE x counter"}', 2]]);
    expect([...gauges]).toEqual([
      ['auditsieve_lag_seconds{id="a"}', 0.5],
      ['auditsieve_lag_seconds{id="b"}', 1e-7],
      ["auditsieve_bare", 1],
    ]);
  });

  test("counters go on from those of earlier pages, of what is no more too; gauges and lasting counters do not", () => {
    let page: MetricsPage | undefined;
    const texts = [3, 4, 5].map((value) => {
      page = new MetricsPage(page);
      page.add("lines_total", "counter", "Lines", value, { id: value < 5 ? "a" : "b" });
      page.add("lost_total", "lasting counter", "Lost", value);
      page.add("lag", "gauge", "Lag", value);
      return page.text();
    });
    const { counters, gauges } = parseExposition(texts.at(-1) ?? "");
    expect([...counters]).toEqual([
      ['auditsieve_lines_total{id="a"}', 7],
      ['auditsieve_lines_total{id="b"}', 5],
      ["auditsieve_lost_total", 5],
    ]);
    expect([...gauges]).toEqual([["auditsieve_lag", 5]]);
  });
});
