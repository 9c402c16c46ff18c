import { describe, expect, test } from "vitest";
import { attributesOfScan } from "../attributes.ts";
import { EventScan } from "../scan.ts";
import { gkeEvent, tornGkeEvent } from "./gke-log-entry.ts";
import { gkeEntry, gkePayload } from "./wrapped.suite.ts";

const BODY = '{"@type":"core.k8s.io/v1.Pod","n":12345678901234567890,"f":1.10,"a":1,"a":2}';
const REQUEST = `"request":${BODY},`;
const RESPONSE = `"response":${BODY},`;

describe("gkeEvent", () => {
  test("copies what the entry says and derives what an event must have", () => {
    const event = convert(gkeEntry());
    expect({ ...event, origin: undefined }).toEqual({
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      auditID: "6f1c0a52-7e9b-4a53-9a52-0c3ad7e7d6aa",
      stage: "ResponseComplete",
      requestURI: "/api/v1/namespaces/shop/pods/web",
      verb: "create",
      user: { username: "jane@synthetic.example" },
      sourceIPs: ["192.0.2.7"],
      userAgent: "kubectl/v1.37.2 (linux/amd64)",
      objectRef: { resource: "pods", namespace: "shop", name: "web", apiVersion: "v1" },
      responseStatus: { code: 200 },
      stageTimestamp: "2026-11-24T00:13:26.471919Z",
      annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC: …" },
      origin: undefined,
    });
    expect(event["origin"]).toEqual({
      envelope: "gke-log-entry",
      derived: ["level", "stage", "requestURI", "verb", "objectRef", "responseStatus.code"],
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });

  test("leaves bodies byte for byte", () => {
    const line = bytesOf(gkeEntry(gkePayload(), REQUEST + RESPONSE)).toString();
    expect(line).toContain(`"requestObject":${BODY},"responseObject":${BODY},`);
  });

  test.each([
    ["create", "", "Metadata"],
    ["create", REQUEST, "Request"],
    ["create", REQUEST + RESPONSE, "RequestResponse"],
    ["get", RESPONSE, "RequestResponse"],
    ["delete", RESPONSE, "Metadata"],
  ])("the level of a %s with %j is the highest at which a missing body stays unknown: %s", (verb, bodies, level) => {
    expect(convert(gkeEntry(gkePayload({ methodName: `io.k8s.core.v1.pods.${verb}` }), bodies))["level"]).toBe(level);
  });

  test.each([
    [
      { code: 7, message: "Forbidden" },
      { code: 403, message: "Forbidden" },
    ],
    [{ code: 16 }, { code: 401 }],
    [{ code: 5 }, { code: 404 }],
    [{ code: 409 }, { code: 409 }],
    [{ code: 99, message: "?" }, { message: "?" }],
    [undefined, undefined],
  ])("the status %j becomes %j", (status, expected) => {
    expect(convert(gkeEntry(gkePayload({ status })))["responseStatus"]).toEqual(expected);
  });

  test.each([
    ["core/v1/nodes/n1/proxy/metrics", "/api/v1/nodes/n1/proxy/metrics"],
    [
      "rbac.authorization.k8s.io/v1/clusterrolebindings/a%b?c",
      "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/a%25b%3Fc",
    ],
    ["apps/v1/namespaces/shop/deployments", "/apis/apps/v1/namespaces/shop/deployments"],
    ["example.com/v1alpha1/things/system:x", "/apis/example.com/v1alpha1/things/system:x"],
    ["readyz/etcd", "/readyz/etcd"],
  ])("the resource %s was asked for as %s", (resourceName, uri) => {
    const event = convert(gkeEntry(gkePayload({ resourceName })));
    expect(event["requestURI"]).toBe(uri);
  });

  test("exec is found as what it is", () => {
    const entry = gkeEntry(
      gkePayload({ methodName: "io.k8s.core.v1.pods.exec.get", resourceName: "core/v1/namespaces/shop/pods/web/exec" }),
    );
    const { resource, subresource, name, verb } = attributesOfScan(scanOf(bytesOf(entry)));
    expect({ resource, subresource, name, verb }).toEqual({
      resource: "pods",
      subresource: "exec",
      name: "web",
      verb: "get",
    });
  });

  test("impersonation is shown, and marked as derived", () => {
    const authenticationInfo = { principalEmail: "jane@synthetic.example", authoritySelector: "admin" };
    const event = convert(gkeEntry(gkePayload({ authenticationInfo })));
    expect(event["impersonatedUser"]).toEqual({ username: "admin" });
    expect((event["origin"] as { derived: string[] }).derived).toContain("impersonatedUser");
  });

  test("the first of two entries of one long request is its start", () => {
    expect(convert(gkeEntry().replace('"last":true', '"last":false'))["stage"]).toBe("ResponseStarted");
    expect(convert(gkeEntry().replace(/"operation":\{.*?\},/, ""))["stage"]).toBe("ResponseComplete");
  });

  test("entries that differ anywhere are two events, by a hash that no body is in", () => {
    const origin = (entry: string): unknown => convert(entry)["origin"];
    const later = gkeEntry().replace("27.000000001Z", "28.000000001Z");
    expect(origin(later)).not.toEqual(origin(gkeEntry()));
    const secret = (value: string): string => gkeEntry(gkePayload(), `"request":{"data":"${value}"},`);
    expect(origin(secret("a"))).toEqual(origin(secret("b")));
    expect(bytesOf(secret("a"))).not.toEqual(bytesOf(secret("b")));
  });

  test.each([
    ["another service", gkeEntry(gkePayload({ serviceName: "container.googleapis.com" }))],
    ["no method", gkeEntry(gkePayload({ methodName: undefined }))],
    ["no resource", gkeEntry(gkePayload({ resourceName: "" }))],
    ["a payload twice", gkeEntry().replace('"insertId"', '"protoPayload":{},"insertId"')],
    ["a user twice", gkeEntry().replace('{"principalEmail"', '{"principalEmail":"x","principalEmail"')],
    ["a user of another type", gkeEntry(gkePayload({ authenticationInfo: { principalEmail: ["x"] } }))],
    ["labels of another type", gkeEntry().replace('"labels":{"auth', '"labels":5,"x":{"auth')],
    ["text", '{"protoPayload":"x"}'],
    ["a torn entry", gkeEntry().slice(0, 300)],
  ])("makes no event of %s", (_, entry) => {
    const bytes = Buffer.from(entry);
    expect(gkeEvent(bytes, 0, bytes.length)).toBeUndefined();
  });
});

describe("tornGkeEvent", () => {
  /** Up to and with `text`. */
  const upTo = (entry: string, text: string): string => entry.slice(0, entry.indexOf(text) + text.length);
  const torn = (entry: string): Record<string, unknown> | undefined => {
    const bytes = Buffer.from(`xx${entry}`);
    const event = tornGkeEvent(bytes, 2, bytes.length);
    if (event !== undefined) {
      scanOf(event);
    }
    return event && (JSON.parse(event.toString()) as Record<string, unknown>);
  };
  const entry = gkeEntry(gkePayload({ status: { code: 7, message: "Forbidden" } }), REQUEST);
  const WHOLE = {
    user: { username: "jane@synthetic.example" },
    verb: "create",
    requestURI: "/api/v1/namespaces/shop/pods/web",
  };

  test("tornGkeEvent says what stands whole before the tear, and that the entry is torn", () => {
    const event = torn(upTo(entry, '"insertId":"6f1c0a52'));
    expect(event).toMatchObject({ ...WHOLE, level: "Request", responseStatus: { code: 403, message: "Forbidden" } });
    expect(event).not.toHaveProperty("auditID");
    expect(event?.["origin"]).toMatchObject({ envelope: "gke-log-entry", isTorn: true });
    const later = torn(upTo(entry, '"timestamp":"2026-11-24T00:13:26.471919Z",'));
    expect(later).toMatchObject({
      auditID: "6f1c0a52-7e9b-4a53-9a52-0c3ad7e7d6aa",
      stageTimestamp: "2026-11-24T00:13:26.471919Z",
    });
  });

  test.each([
    ["in a body", '"f":1.1', { level: "Metadata", responseStatus: undefined, requestObject: undefined }],
    ["in the status", '"code":7', { level: "Request", responseStatus: undefined }],
  ])("tornGkeEvent leaves unknown what is torn %s", (_where, text, expected) => {
    const event = torn(upTo(entry, text)) ?? {};
    expect(event).toMatchObject(WHOLE);
    expect(Object.fromEntries(Object.keys(expected).map((key) => [key, event[key]]))).toEqual(expected);
  });

  test("tornGkeEvent takes the resource and the service from before a body, where the keys are in order", () => {
    const ordered = gkeEntry(
      gkePayload({ requestMetadata: undefined, resourceName: undefined, serviceName: undefined }),
    );
    const text = ordered.replace('"status":', `${REQUEST}"status":`);
    expect(torn(upTo(text, '"f":1.1'))).toMatchObject(WHOLE);
    expect(torn(upTo(text.replaceAll("io.k8s.core", "com.example"), '"f":1.1'))).toBeUndefined();
  });

  test.each([
    ["who it was", '"principalEmail":"jane@synthetic.example"'],
    ["the verb", '"methodName":"io.k8s.core.v1.pods.create'],
  ])("tornGkeEvent makes no event of one torn before %s is sure", (_what, text) => {
    expect(torn(upTo(entry, text))).toBeUndefined();
  });

  test("tornGkeEvent makes an event of no torn entry twice the same, nor of another service", () => {
    const sha = (text: string): unknown => torn(text)?.["origin"];
    expect(sha(upTo(entry, '"insertId":"6f1c'))).not.toBe(sha(upTo(entry, '"insertId":"6f1')));
    const other = gkeEntry(gkePayload({ serviceName: "container.googleapis.com" }));
    expect(torn(upTo(other, '"insertId":"6f1c'))).toBeUndefined();
  });
});

function bytesOf(entry: string): Buffer {
  const bytes = Buffer.from(`xx${entry}yy`);
  const event = gkeEvent(bytes, 2, bytes.length - 2);
  expect(event).toBeDefined();
  return event ?? Buffer.alloc(0);
}

function convert(entry: string): Record<string, unknown> {
  const event = bytesOf(entry);
  scanOf(event);
  return JSON.parse(event.toString()) as Record<string, unknown>;
}

function scanOf(event: Buffer): EventScan {
  const scan = new EventScan();
  expect(scan.scan(event, 0, event.length)).toBe(true);
  return scan;
}
