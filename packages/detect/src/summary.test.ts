import type { AuditEvent } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { safeText } from "./safe-text.ts";
import { factsOf } from "./summary.ts";

const BASE: AuditEvent = {
  level: "Metadata",
  auditID: "a",
  stage: "ResponseComplete",
  requestURI: "/version",
  verb: "get",
  user: { username: "eve" },
  responseStatus: { code: 200 },
};
const NODE = { resource: "nodes", name: "n" };
const summarise = (event: AuditEvent): string => factsOf(event).summary;
const on = (verb: string, objectRef: NonNullable<AuditEvent["objectRef"]>, code = 200): string =>
  summarise({ ...BASE, verb, objectRef, responseStatus: { code } });

describe("factsOf().summary", () => {
  it.each([
    [summarise(BASE), "eve: get /version (get, 200)"],
    [
      on("get", { resource: "pods", subresource: "attach", namespace: "shop", name: "tools" }, 101),
      "eve: attach to pod shop/tools (get, 101)",
    ],
    [
      on("create", { resource: "nodes", subresource: "proxy", name: "node-3" }, 400),
      "eve: proxy to node node-3 (create, 400)",
    ],
    [on("list", { resource: "secrets" }), "eve: list secrets cluster-wide (list, 200)"],
    [on("list", { resource: "secrets", namespace: "shop" }), "eve: list secrets in shop (list, 200)"],
    [
      on("delete", { resource: "namespaces", namespace: "shop", name: "shop" }),
      "eve: delete namespace shop (delete, 200)",
    ],
    [
      on("create", { resource: "ingresses", namespace: "shop", name: "web" }, 201),
      "eve: create ingress shop/web (create, 201)",
    ],
    [
      on("patch", { resource: "networkpolicies", namespace: "shop", name: "all" }),
      "eve: patch networkpolicy shop/all (patch, 200)",
    ],
    [
      on("create", { resource: "serviceaccounts", subresource: "token", namespace: "kube-system", name: "x" }, 201),
      "eve: create token of serviceaccount kube-system/x (create, 201)",
    ],
    // What gives something whatever its URI asks for is no trial.
    [
      summarise({ ...BASE, verb: "list", requestURI: "/api/v1/nodes?dryRun=All", objectRef: { resource: "nodes" } }),
      "eve: list nodes cluster-wide (list, 200)",
    ],
    [
      summarise({
        ...BASE,
        verb: "create",
        requestURI: "/api/v1/namespaces/a/serviceaccounts/x/token?dryRun=All",
        objectRef: { resource: "serviceaccounts", subresource: "token", namespace: "a", name: "x" },
      }),
      "eve: create token of serviceaccount a/x (create, 200)",
    ],
    [
      summarise({ ...BASE, verb: "patch", requestURI: "/api/v1/nodes/n?dryRun=All", objectRef: NODE }),
      "eve: patch node n (patch, 200, dry run)",
    ],
    [
      summarise({
        ...BASE,
        verb: "delete",
        level: "Request",
        requestURI: "/api/v1/nodes/n",
        objectRef: NODE,
        requestObject: { dryRun: ["All"] },
      }),
      "eve: delete node n (delete, 200, dry run)",
    ],
    [
      summarise({
        ...BASE,
        verb: "delete",
        level: "Request",
        requestURI: "/api/v1/nodes/n?dryRun=All",
        objectRef: NODE,
        requestObject: {},
      }),
      "eve: delete node n (delete, 200)",
    ],
    [summarise({ ...BASE, user: {}, responseStatus: { code: 401 } }), "(not authenticated): get /version (get, 401)"],
  ])("says %s", (summary, expected) => {
    expect(summary).toBe(expected);
  });

  it("prints nothing raw that a client chooses", () => {
    const hostile = "x\u001b[2J\r\n\u202eevil\u200b\u2028\u009b" + "y".repeat(5000);
    const summary = summarise({
      ...BASE,
      user: { username: hostile },
      impersonatedUser: { username: hostile },
      verb: hostile,
      requestURI: hostile,
      objectRef: { resource: hostile, name: hostile, namespace: hostile, subresource: hostile },
    });
    // oxlint-disable-next-line no-control-regex -- none may be left
    expect(summary).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e]/);
    expect(summary.length).toBeLessThan(1500);
  });
});

describe("safeText", () => {
  it("escapes what acts or hides and leaves the rest", () => {
    expect(safeText("käse 日本 🙂")).toBe("käse 日本 🙂");
    expect(safeText("a\u0007\u2066b\ud800c")).toBe("a\\u0007\\u2066b\\ud800c");
    expect(safeText("abcdef", 3)).toBe("abc…");
  });
});

describe("factsOf().object", () => {
  it("names kind and place", () => {
    expect(factsOf(BASE).object).toBeUndefined();
    expect(factsOf({ ...BASE, objectRef: { resource: "secrets" } }).object).toBe("secrets");
    const objectRef = { resource: "pods", subresource: "exec", namespace: "a", name: "b" };
    expect(factsOf({ ...BASE, objectRef }).object).toBe("pods/exec a/b");
  });
});
