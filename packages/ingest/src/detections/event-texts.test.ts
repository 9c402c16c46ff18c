import { EventScan } from "@auditsieve/audit";
import type { AuditEvent, ToldLine } from "@auditsieve/audit";
import { DetectionEngine, loadDetections } from "@auditsieve/detect";
import type { HeadField, PartlyParsed } from "@auditsieve/detect";
import { expect, it, vi } from "vitest";
import { Dice } from "../filter/line-mutator.suite.ts";
import { spelling } from "../spelling.suite.ts";
import { EventTexts } from "./event-texts.ts";
import { scannedEvent } from "./scanned-event.ts";
import { toldEvent } from "./told-event.ts";

const KEYWORDS: readonly (readonly [modifier: string, keyword: string])[] = [
  ["re", "(AKIA|ASIA)[0-9A-Z]{4}"],
  ["re", "PRIVATE KEY"],
  ["re", `(?i)(password|secret_?key|api_?key)["' ]*[=:]["' ]*[^\\s"'$\\{<]{4,}`],
  ["re|i", "secret|kiosk"],
  ["re", "a/b1|[ab]c"],
  ["re", "true|1e2[1]"],
  ["re", "100|Infin"],
  ["contains", "Kiosk"],
  ["contains|cased", "SECRET"],
  ["contains", "a<b"],
  ["contains", "Infinity"],
  ["contains", "e+2"],
  ["contains", "als"],
  ["contains|all", "token"],
];

const engine = new DetectionEngine(
  loadDetections(
    KEYWORDS.map(([modifier, keyword], n) =>
      JSON.stringify({
        title: `${n}`,
        id: `5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e${10 + n}`,
        level: "low",
        logsource: { product: "kubernetes", service: "audit" },
        detection: { keywords: { [`|${modifier}`]: [keyword] }, condition: "keywords" },
      }),
    ).join("\n---\n"),
    "keywords.yml",
  ).detections,
);

/** What the keywords look for, and what only looks like it. */
const VALUES = [
  ["AKIA12AB", "asiaAB12", "AKIAab12", "-----BEGIN RSA PRIVATE KEY-----", "private key", "A<B>&c", "a/b1", "\\u0041"],
  ['{"password":"hunter22"}', "PASSWORD = x", "secretkey: abcd", "Api_Key='wxyz'", "SECRET", "secret", "TOKEN", "é"],
  ["\u212Aiosk", "kio\u017Fk", "KIOSK", "line\nprivate key", "tab\tAKIA12AB", "Infinity", "1e+21", "false", "bc"],
  [1e21, 1e22, 100, -0.5, true, false, null, 1e-7],
].flat();

function eventOf(dice: Dice): object {
  const value = (): unknown => dice.of(VALUES);
  const data = Object.fromEntries(
    Array.from({ length: dice.below(4) }, (_, n) => [dice.of(["a", "secret"]) + n, value()]),
  );
  const level = dice.of(["Metadata", "Request", "RequestResponse"]);
  return {
    level,
    auditID: "a",
    stage: dice.of(["ResponseComplete", "ResponseComplete", "RequestReceived"]),
    requestURI: dice.of(["/api/v1/namespaces/a/configmaps", "/kiosk?a=PRIVATE%20KEY", "/token"]),
    verb: dice.of(["create", "update", "patch", "delete", "get"]),
    user: { username: dice.of(["eve", "api_key=abcd"]), groups: ["g"] },
    objectRef: { resource: "configmaps", namespace: "a", name: "n" },
    ...(dice.below(3) > 0 && { responseStatus: { code: 200 } }),
    ...(dice.below(3) > 0 && { requestObject: dice.of([{ data }, { data }, [value()], null]) }),
    ...(dice.below(3) === 0 && { responseObject: { data, more: [value()] } }),
    ...(dice.below(3) === 0 && { annotations: { a: dice.of(["x", "als", "Kiosk"]) } }),
  };
}

/** As a line is told whose head is known and whose bodies are not. */
function toldOf(bytes: Buffer, event: AuditEvent): AuditEvent & PartlyParsed {
  const line = { isBodyFound: true, bodies: undefined, ...event, name: "n", bytes } as unknown as ToldLine;
  const head = new Map<HeadField, string | readonly string[]>([
    ["level", event.level],
    ["stage", event.stage],
    ["verb", event.verb],
    ["user.username", event.user.username ?? ""],
    ["user.groups", ["g"]],
    ["objectRef.resource", "configmaps"],
    ["objectRef.namespace", "a"],
  ]);
  const told = toldEvent(line, head);
  expect(told).toBeDefined();
  return told as AuditEvent & PartlyParsed;
}

it("EventTexts leaves keywords as they come out on the parsed event, however it is spelled", () => {
  const dice = new Dice(11);
  const scan = new EventScan();
  const short = vi.spyOn(EventTexts.prototype, "holdNone");
  const found = new Set<string>();
  expect(engine.detections.length).toBe(KEYWORDS.length);
  for (let n = 0; n < 1500; n++) {
    const event = eventOf(dice);
    const text = dice.below(3) === 0 ? spelling(event, dice) : JSON.stringify(event);
    const markup = text.replaceAll("<", "\\u003c").replaceAll(">", "\\u003E").replaceAll("&", "\\u0026");
    const line = Buffer.from(dice.below(2) === 0 ? text : markup);
    const parsed = JSON.parse(line.toString()) as AuditEvent;
    const exact = engine.evaluate(parsed, engine.detections);
    exact.forEach(({ detection, outcome }) => found.add(`${detection.title} ${outcome}`));
    if (scan.scan(line, 0, line.length)) {
      expect(engine.evaluate(scannedEvent(scan, line), engine.detections), line.toString()).toEqual(exact);
    }
    expect(engine.evaluate(toldOf(line, parsed), engine.detections), line.toString()).toEqual(exact);
  }
  const answers = short.mock.results.map(({ value }) => value as boolean);
  expect(answers.filter(Boolean).length).toBeGreaterThan(4000);
  expect(answers.filter((isNone) => !isNone).length).toBeGreaterThan(400);
  expect(found.size).toBeGreaterThan(20);
});
