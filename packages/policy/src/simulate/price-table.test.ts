import { describe, expect, test } from "vitest";
import { KNOWN_PRICES, loadPriceTable, monthlyCosts } from "./price-table.ts";
import { Simulation } from "./simulation.ts";

describe("KNOWN_PRICES", () => {
  test("has the shape that it asks of others, and each price a source and a date", () => {
    expect(loadPriceTable(JSON.stringify(KNOWN_PRICES))).toEqual({ outcome: "loaded", table: KNOWN_PRICES });
    for (const { source, date } of KNOWN_PRICES.prices) {
      expect(source).toMatch(/https:/);
      expect(date).toMatch(/^20\d\d(-\d\d){0,2}$/);
    }
    expect(KNOWN_PRICES.unpriced.map(({ name }) => name)).toContain("Splunk");
  });
});

describe("loadPriceTable()", () => {
  const price = "{ id: a, name: A, unit: GB, price: 1, source: s, date: d }";
  test.each([
    ["an empty file", "", /empty/],
    ["no list", "asOf: a\ncurrency: EUR\nprices: 3\nunpriced: []", /prices: a list is wanted/],
    [
      "a negative price",
      `asOf: a\ncurrency: EUR\nprices: [${price.replace("1", "-1")}]\nunpriced: []`,
      /price: a number/,
    ],
    [
      "an unknown unit",
      `asOf: a\ncurrency: EUR\nprices: [${price.replace("GB", "litre")}]\nunpriced: []`,
      /unit: one of GB/,
    ],
    [
      "a price without a source",
      `asOf: a\ncurrency: EUR\nprices: [${price.replace("source: s, ", "")}]\nunpriced: []`,
      /source/,
    ],
  ])("refuses %s", (_what, text, message) => {
    const loaded = loadPriceTable(text);
    expect(loaded.outcome === "refused" ? loaded.problems[0]?.message : "").toMatch(message);
  });
});

describe("monthlyCosts()", () => {
  const line = (time: string): string =>
    `{"level":"Metadata","stage":"ResponseComplete","requestURI":"/version","verb":"get","user":{"username":"x"},"stageTimestamp":"2026-11-24T00:${time}.000000Z"}\n`;
  const simulation = new Simulation({ policy: { rules: [{ level: "None" }] } });
  simulation.write(Buffer.from(line("00:00") + line("14:24")));
  simulation.end();

  test("prices 30 days of bytes and of events", () => {
    const costs = monthlyCosts(simulation.result(), {
      ...KNOWN_PRICES,
      prices: [
        { id: "b", name: "bytes", unit: "GB", price: 1e6, source: "s", date: "d" },
        { id: "e", name: "events", unit: "million events", price: 1000, source: "s", date: "d" },
      ],
    });
    // 200 events a day, 30 days.
    const bytes = line("00:00").length;
    expect(costs.map(({ before, after }) => [before, after])).toEqual([
      [Math.round(bytes * 200 * 30 * 1e-3 * 100) / 100, 0],
      [6, 0],
    ]);
  });

  test("says nothing of a log that is too short", () => {
    expect(monthlyCosts(new Simulation({ policy: { rules: [{ level: "None" }] } }).result(), KNOWN_PRICES)).toEqual([]);
  });
});
