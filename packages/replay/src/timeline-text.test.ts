import type { Finding } from "@auditsieve/detect";
import { describe, expect, test } from "vitest";
import { csvLine, timelineText } from "./timeline-text.ts";

const FINDING: Finding = {
  id: "f",
  detection: { id: "d", title: "Many refusals", level: "medium", techniques: [] },
  time: "2026-11-24T10:00:00.000000Z",
  summary: "eve: list secrets (list, 403)",
  outcome: "denied",
  auditIDs: ["a"],
  events: [],
};

describe("timelineText", () => {
  test.each([
    ["of one request", "eve: list secrets (list, 403)", "Many refusals: eve: list secrets (list, 403)"],
    ["of a correlation", "Many refusals: 5 within 1 min", "Many refusals: 5 within 1 min"],
  ])("timelineText names the detection once in a message %s", (_name, summary, message) => {
    const [line = ""] = timelineText([{ ...FINDING, summary }], "timesketch");
    expect(JSON.parse(line)).toMatchObject({ message });
  });
});

describe("csvLine", () => {
  test.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "|cmd", "＝1+1", "＋1", "－1", "＠SUM(A1)"])(
    "csvLine keeps a spreadsheet from taking %j for a formula",
    (text) => expect(csvLine([text])).toMatch(/^"?'/),
  );

  test.each(["a=1", "kubectl/v1.37.2", "1-2", "system:anonymous"])("csvLine leaves %j as it is", (text) => {
    expect(csvLine([text])).toBe(`${text}\r\n`);
  });
});
