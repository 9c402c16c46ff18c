import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { evaluateDetection } from "../detection-engine.ts";
import { loadDetections } from "../load-detections.ts";

const PLACEHOLDERS = { admins: ["root", "ops-*"], tiers: ["a", "b"], none: [] };

function outcome(field: string, value: JsonValue, body: JsonValue, placeholders = {}): string {
  const document = {
    title: "t",
    id: "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10",
    level: "low",
    logsource: { product: "kubernetes", service: "audit" },
    detection: { s: { [field]: value }, condition: "s" },
  };
  const { detections, problems } = loadDetections(JSON.stringify(document), "t.yml", { placeholders });
  const event: AuditEvent = {
    level: "Request",
    auditID: "a",
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/shop/pods",
    verb: "create",
    user: { username: "ops-carol" },
    objectRef: { resource: "pods", name: "ops-carol" },
    responseStatus: { code: 201 },
    stageTimestamp: "2026-01-01T23:59:58.123456Z",
    requestObject: body,
  };
  const [detection] = detections;
  return detection ? evaluateDetection(detection, event) : problems.map(({ message }) => message).join("\n");
}

const base64 = (text: string, before = 0, charset: BufferEncoding = "utf8"): string =>
  Buffer.concat([Buffer.alloc(before, "x"), Buffer.from(text, charset), Buffer.from("tail")]).toString("base64");

describe("text modifiers", () => {
  it.each<readonly [string, string, JsonValue, string, string]>([
    ["windash: a slash for a dash", "requestObject.a|windash|contains", " -addr ", "run /addr x", "hit"],
    ["windash: a dash for a slash", "requestObject.a|windash|contains", " /addr ", "run -addr x", "hit"],
    ["windash: an en dash", "requestObject.a|windash", "-f", "\u2013F", "hit"],
    ["windash: an em dash", "requestObject.a|windash", "-f", "\u2014f", "hit"],
    ["windash: a horizontal bar", "requestObject.a|windash|startswith", "-f", "\u2015force", "hit"],
    ["windash: every permutation", "requestObject.a|windash", "-a -b", "/a \u2014b", "hit"],
    ["windash: a hyphen inside a word stays", "requestObject.a|windash", "a-b", "a/b", "miss"],
    ["windash: nothing else stands for a dash", "requestObject.a|windash", "-a", "+a", "miss"],
    ["windash: all", "requestObject.a|windash|contains|all", ["-a", "-b"], "/b /a", "hit"],
    ["base64", "requestObject.a|base64", "foobar", "Zm9vYmFy", "hit"],
    ["base64 inside", "requestObject.a|base64|contains", "foobar", "x Zm9vYmFy y", "hit"],
    ["base64 of an escaped star", "requestObject.a|base64", "a\\*b", base64("a*b").slice(0, 4), "hit"],
    ["base64 elsewhere", "requestObject.a|base64", "foobar", "foobar", "miss"],
    ["base64offset 0", "requestObject.a|base64offset|contains", "/bin/bash", base64("/bin/bash"), "hit"],
    ["base64offset 1", "requestObject.a|base64offset|contains", "/bin/bash", base64("/bin/bash", 1), "hit"],
    ["base64offset 2", "requestObject.a|base64offset|contains", "/bin/bash", base64("/bin/bash", 2), "hit"],
    ["base64offset 3", "requestObject.a|base64offset|contains", "/bin/bash", base64("/bin/bash", 3), "hit"],
    ["base64offset of another", "requestObject.a|base64offset|contains", "/bin/bash", base64("/bin/dash", 1), "miss"],
    ["utf16le", "requestObject.a|utf16le|base64", "cmd", "YwBtAGQA", "hit"],
    ["wide is utf16le", "requestObject.a|wide|base64", "cmd", "YwBtAGQA", "hit"],
    ["utf16be", "requestObject.a|utf16be|base64", "cmd", "AGMAbQBk", "hit"],
    ["utf16 has a byte order mark", "requestObject.a|utf16|base64", "cmd", "//5jAG0AZAA=", "hit"],
    [
      "wide at an offset",
      "requestObject.a|wide|base64offset|contains",
      "ping ",
      base64("ping home", 1, "utf16le"),
      "hit",
    ],
    ["windash before an encoding", "requestObject.a|windash|base64offset|contains", "sh -c", base64("sh /c ls"), "hit"],
    ["expand", "requestObject.a|expand", "%admins%", "ROOT", "hit"],
    ["expand: a value may hold wildcards", "requestObject.a|expand", "%admins%", "ops-x", "hit"],
    ["expand: text around it", "requestObject.a|expand", "x-%tiers%-%tiers%", "x-b-a", "hit"],
    ["expand: nothing else", "requestObject.a|expand", "x-%tiers%-%tiers%", "x-b-c", "miss"],
    ["expand: an escaped sign", "requestObject.a|expand", "\\%admins\\%", "%admins%", "hit"],
    ["expand: contains", "requestObject.a|expand|contains", "%admins%", "the root of it", "hit"],
    ["expand: a regular expression", "requestObject.a|expand|re", "^%tiers%[0-9]$", "b7", "hit"],
    ["without expand it is text", "requestObject.a", "%admins%", "root", "miss"],
    ["neq with contains", "requestObject.a|contains|neq", "oo", "root", "miss"],
    ["neq with windash", "requestObject.a|windash|neq", "-a", "/a", "miss"],
    ["neq with a number", "responseStatus.code|neq", 201, "", "miss"],
    ["neq with re", "requestObject.a|re|neq", "^r", "xr", "hit"],
    ["neq with fieldref", "user.username|fieldref|neq", "objectRef.name", "", "miss"],
    ["neq with fieldref, other", "user.username|neq|fieldref", "objectRef.resource", "", "hit"],
    ["neq with fieldref and cased", "user.username|fieldref|cased|neq", "requestObject.a", "OPS-carol", "hit"],
    ["fieldref: contains", "user.username|fieldref|contains", "requestObject.a", "S-C", "hit"],
  ])("%s", (_why, field, value, found, expected) => {
    expect(outcome(field, value, { a: found }, PLACEHOLDERS)).toBe(expected);
  });
});

describe("time modifiers", () => {
  it.each<readonly [string, JsonValue, string]>([
    ["stageTimestamp|minute", 59, "hit"],
    ["stageTimestamp|hour", 23, "hit"],
    ["stageTimestamp|hour|gte", 22, "hit"],
    ["stageTimestamp|hour|lt", 6, "miss"],
    ["stageTimestamp|hour|neq", 23, "miss"],
    ["stageTimestamp|hour", [1, 23], "hit"],
    ["stageTimestamp|day", 1, "hit"],
    ["stageTimestamp|day", "1", "hit"],
    ["stageTimestamp|week", 1, "hit"],
    ["stageTimestamp|month", 1, "hit"],
    ["stageTimestamp|year", 2026, "hit"],
    ["requestObject.a|week", 53, "hit"],
    ["requestObject.a|year|lte", 2021, "hit"],
    ["verb|hour", 0, "miss"],
  ])("%s %j", (field, value, expected) => {
    // The first of January 2021 is in week 53 of 2020.
    expect(outcome(field, value, { a: "2021-01-01T00:00:00Z" })).toBe(expected);
  });
});

describe("modifiers that make no sense", () => {
  it.each<readonly [string, JsonValue, string]>([
    ["verb|utf16le", "x", '"utf16le" belongs before "base64"'],
    ["verb|base64|wide", "x", '"wide" belongs before "base64"'],
    ["verb|wide|utf16be|base64", "x", '"wide" and "utf16be" exclude'],
    ["verb|base64|base64offset", "x", '"base64" and "base64offset" exclude'],
    ["verb|base64|windash", "x", '"base64" and "windash" exclude'],
    ["verb|re|base64", "x", '"base64" and "re" exclude'],
    ["verb|windash|cidr", "x", '"windash" and "cidr" exclude'],
    ["verb|hour|re", 1, '"hour" and "re" exclude'],
    ["verb|hour|contains", 1, '"contains" and "hour" exclude'],
    ["verb|hour|minute", 1, '"hour" and "minute" exclude'],
    ["verb|hour|cased", 1, '"cased" and "hour" exclude'],
    ["verb|hour", "noon", 'is not a number, which "hour" needs'],
    ["verb|exists|expand", true, '"expand" and "exists" exclude'],
    ["verb|base64", "a*b", "takes no wildcards"],
    ["verb|base64offset", "", "matches everything"],
    ["verb|base64offset|contains", "a", "too short"],
    ["verb|expand", "%nobody%", '"%nobody%" has no values'],
    ["verb|expand", "%none%", '"%none%" has no values'],
    ["verb|expand", "%constructor%", '"%constructor%" has no values'],
    ["verb|windash|base64", "-a -b -c -d -e", "more than 625"],
    ["verb|expand", "%tiers%".repeat(20), "more than 1000"],
    ["verb|any", "x", '"any" is not known'],
  ])("%s %j is refused", (field, value, message) => {
    expect(outcome(field, value, {}, PLACEHOLDERS)).toContain(message);
  });

  it("stay bounded in time over a hostile value", () => {
    expect(outcome("requestObject.a|windash|contains", "*-a".repeat(1000), { a: "-a".repeat(2000) })).toBe("hit");
    expect(outcome("requestObject.a|base64offset|contains", "x".repeat(4096), { a: "x".repeat(50_000) })).toBe("miss");
  });
});
