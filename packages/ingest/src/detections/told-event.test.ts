import { EventScan, KeyEndings, KeyPaths } from "@auditsieve/audit";
import type { AuditEvent, ToldLine } from "@auditsieve/audit";
import { HEAD_FIELDS } from "@auditsieve/detect";
import type { BodyName, PartlyParsed, QuietAnswer } from "@auditsieve/detect";
import { describe, expect, test } from "vitest";
import type { EventWatch } from "./event-watch.ts";
import { filterChunks, formOf, fuzzPolicies, sampleLines } from "../filter/filter-fuzz.suite.ts";
import { Dice, varyValues } from "../filter/line-mutator.suite.ts";
import { podLines } from "../filter/pod-lines.suite.ts";
import { scanHead } from "./scan-head.ts";
import { hasNullOutsideBodies, scannedEvent } from "./scanned-event.ts";
import { sharedHead, toldEvent } from "./told-event.ts";
import type { SharedHead } from "./told-event.ts";

const BODIES = ["requestObject", "responseObject"] as const;
const PATHS = [["metadata", "name"], ["spec"], ["spec", "containers"], ["status", "podIP"], ["nothing"]] as const;
const FOUND = new KeyPaths(PATHS);
const SOME = new KeyEndings(["name"]);
const SEVERAL = new KeyEndings(["podIPs", "hostPath", "nodeName"]);
const ENDINGS = ["nodeName", "podIP", "privileged", "name"].map((ending) => new KeyEndings([ending]));
const MAX_SPELLING = 4096;

/** What an event that is parsed as it is read says, whoever read it. */
function said(event: AuditEvent & PartlyParsed): unknown {
  const { auditID, requestURI, stage, verb, stageTimestamp, requestReceivedTimestamp, sourceIPs, annotations } = event;
  return [
    [auditID, requestURI, stage, verb, stageTimestamp, requestReceivedTimestamp, sourceIPs, annotations],
    [event.time, event.micros, event.idHash],
    HEAD_FIELDS.map((field) => event.get(field)),
    BODIES.map((body) => event.isObject(body) && PATHS.map(([key = ""]) => event.member(body, key))),
    BODIES.map((body) => [PATHS.map((keys) => event.part(body, keys)), event[body], event.part(body, ["metadata"])]),
    JSON.stringify(event),
  ];
}

function foundIn(event: PartlyParsed, body: BodyName): readonly boolean[] {
  event.find(body, FOUND);
  return PATHS.flatMap((_, path) => [FOUND.listsObjects(path), FOUND.lacks(path, SOME)]);
}

/** Where false, or undefined, says nothing. */
function saidOfBytes(event: AuditEvent & PartlyParsed): readonly (string | boolean | undefined)[] {
  return BODIES.flatMap((body) => [
    event.isMissing(body) ? true : undefined,
    ...foundIn(event, body),
    event.lacksAll(body, SEVERAL),
    ...ENDINGS.map((ending) => event.lacksAll(body, ending)),
    event.spelling(body, MAX_SPELLING),
  ]);
}

/** Is told of all that can be told, and compares it with what a scan says. */
class ComparingWatch implements EventWatch {
  readonly epoch = 0;
  told = 0;
  claims = 0;
  readonly #heads = new Map<QuietAnswer, SharedHead>();
  readonly #scan = new EventScan();

  event(): void {}

  unwanted(scan: EventScan): QuietAnswer | undefined {
    const line = scan.bytes.subarray(scan.start, scan.end);
    if (hasNullOutsideBodies(scan, line)) {
      return undefined;
    }
    const tells = { asked: [], left: undefined, judged: undefined, kept: undefined };
    const answer = { stands: true, isNamed: false, isForPlainNames: false, isOfNamespace: true, form: "wanted", tells };
    this.#heads.set(answer, sharedHead(scanHead(scan)));
    return answer;
  }

  tell(answer: QuietAnswer, line: ToldLine): void {
    const event = toldEvent(line, this.#heads.get(answer) as SharedHead);
    if (event === undefined) {
      return;
    }
    const copy = Buffer.from(line.bytes);
    expect(this.#scan.scan(copy, 0, copy.length)).toBe(true);
    const scanned = scannedEvent(this.#scan, copy);
    const ofBytes = saidOfBytes(scanned);
    const claimed = saidOfBytes(event).map((one, i) => (one === false || one === undefined ? ofBytes[i] : one));
    expect(claimed).toEqual(ofBytes);
    expect(said(event)).toEqual(said(scanned));
    const { requestURI, requestReceivedTimestamp: received = "" } = scanned;
    const spelled = requestURI.replaceAll("&", "\\u0026");
    for (const text of [requestURI, `${requestURI}x`, requestURI.slice(1), requestURI.replaceAll("&", "+"), spelled]) {
      expect(line.isRequestURI(text)).toBe(text === requestURI);
      expect(event.isRequestURI(text)).toBe(text === requestURI);
    }
    expect(event.isWithoutQuery()).toBe(!requestURI.includes("?"));
    expect([event.isReceivedAt(received), event.isReceivedAt(`${received.slice(0, -1)}Y`)]).toEqual([true, false]);
    const sharing = scannedEvent(this.#scan, copy, undefined, this.#heads.get(answer));
    expect(saidOfBytes(sharing)).toEqual(ofBytes);
    expect(said(sharing)).toEqual(said(scanned));
    this.told++;
    this.claims += saidOfBytes(toldEvent(line, new Map()) ?? event).includes(true) ? 1 : 0;
  }
}

describe("toldEvent", () => {
  const [rules = { policy: { rules: [] }, keep: [], conditions: [] }] = fuzzPolicies();
  const recorded = sampleLines("attack.log.zst").filter(({ length }) => length < 6000);

  test("says what the scan of its line says", () => {
    const dice = new Dice(3);
    const lines = [...recorded.slice(0, 60), ...podLines(dice, 40)].map(formOf);
    const alike = lines.flatMap((line) => [line, varyValues(line, dice), line]);
    const watch = new ComparingWatch();
    const log = Buffer.from(alike.map((line) => `${line.toString("latin1")}\n`).join(""), "latin1");
    filterChunks(rules, [log], { watch });
    expect(watch.told).toBeGreaterThan(50);
    expect(watch.claims).toBeGreaterThan(10);
  });

  test("says when an event was, however that is written, as the scan of its line does", () => {
    const dice = new Dice(5);
    const line = recorded.find((one) => one.includes('"stage":"ResponseComplete"')) as Buffer;
    const moment = (): string => {
      const minute = dice.of([
        "2026-11-24T10:15",
        "2026-11-24T10:15",
        "2026-11-24T10:16",
        "2026-02-30T10:15",
        "2028-02-29T23:59",
        "2100-03-01T00:00",
        "2255-06-06T00:00",
        "1969-12-31T23:59",
      ]);
      const seconds = dice.of(["00", "07", "59", "60", "6/", "1x", "0:", "0/"]);
      return `${minute}:${seconds}${dice.of(["", ".1", ".120", ".000000", ".123456", ".999999", ".12345a", ".1234567"])}${dice.of(["Z", "Z", "Z", "+01:00", "z"])}`;
    };
    const dated = (time: string): Buffer =>
      Buffer.from(line.toString("latin1").replace(/"stageTimestamp":"[^"]*"/, `"stageTimestamp":"${time}"`), "latin1");
    const ids = ["a", "abcdefg", "abcdefgh", "1b9ee3e5-8982-4b58-a2cd-0384840d7e4f", "~~~~~~~~~~"];
    const named = (one: Buffer): string =>
      one.toString("latin1").replace(/"auditID":"[^"]*"/, `"auditID":"${dice.of(ids)}"`);
    const lines = [line, ...Array.from({ length: 400 }, () => Buffer.from(named(dated(moment())), "latin1"))];
    const watch = new ComparingWatch();
    const log = Buffer.from(lines.map((one, i) => `${formOf(one, i).toString("latin1")}\n`).join(""), "latin1");
    filterChunks(rules, [log], { watch });
    expect(watch.told).toBeGreaterThan(200);
  });
});
