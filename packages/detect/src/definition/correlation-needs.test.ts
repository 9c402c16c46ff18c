import { expect, test } from "vitest";
import { loadDetections } from "../load-detections.ts";

test("correlationNeeds says of a correlation what is read of the events that it rests on, over others too", () => {
  const rule = (name: string, n: number): string =>
    `{title: ${name}, name: ${name}, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e1${n}, level: low, logsource: {product: kubernetes}, detection: {s: {verb: ${name}, objectRef.resource: pods}, condition: s}}`;
  const correlation = (n: number, of: object): string =>
    JSON.stringify({
      title: `c${n}`,
      name: `c${n}`,
      id: `6f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e1${n}`,
      level: "low",
      correlation: { timespan: "1m", ...of },
    });
  const sum = { type: "value_sum", rules: ["patch"], "group-by": ["user.username"] };
  const text = [
    rule("patch", 1),
    rule("delete", 2),
    correlation(1, { ...sum, condition: { field: "requestObject.spec.replicas", gte: 3 } }),
    correlation(2, { ...sum, condition: { field: "responseStatus.code", gte: 3 } }),
    correlation(3, { type: "event_count", rules: ["patch"], "group-by": ["user.username"], condition: { gte: 3 } }),
    correlation(4, {
      type: "temporal",
      rules: ["c1", "delete"],
      "group-by": ["who"],
      aliases: { who: { c1: "responseObject.a", delete: "user.username" } },
    }),
  ].join("\n---\n");
  const { detections, problems } = loadDetections(text, "n.yml");
  expect(problems).toEqual([]);
  const said = detections.map(({ needs }) =>
    needs.map(({ level, stages, fields }) => [level, stages.includes("RequestReceived"), fields.join()]),
  );
  const plain = "objectRef.resource,verb";
  expect(said).toEqual([
    [["Metadata", true, plain]],
    [["Metadata", true, plain]],
    [["Request", false, "objectRef.resource,requestObject.spec.replicas,verb"]],
    [["Metadata", false, "objectRef.resource,responseStatus.code,verb"]],
    [["Metadata", true, plain]],
    [
      ["RequestResponse", false, "objectRef.resource,requestObject.spec.replicas,responseObject.a,verb"],
      ["Metadata", true, plain],
    ],
  ]);
});
