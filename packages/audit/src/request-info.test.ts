import { describe, expect, test } from "vitest";
import { requestInfo } from "./request-info.ts";

/** Request line -> [group, version, namespace, resource, subresource, name]; undefined: no resource request. */
const cases: readonly (readonly [verb: string, uri: string, expected: readonly string[] | undefined])[] = [
  ["get", "/", undefined],
  ["get", "/healthz?verbose", undefined],
  ["get", "/api", undefined],
  ["get", "/api/v1", undefined],
  ["get", "/apis/apps/v1", undefined],
  ["get", "/metrics/slis/x", undefined],
  ["list", "/api/v1/pods", ["", "v1", "", "pods", "", ""]],
  ["list", "/api/v1/pods/", ["", "v1", "", "pods", "", ""]],
  ["get", "/api/v1/nodes/n1", ["", "v1", "", "nodes", "", "n1"]],
  ["get", "/api/v1/namespaces/shop/pods/web/exec?command=sh", ["", "v1", "shop", "pods", "exec", "web"]],
  ["get", "/api/v1/namespaces/shop/pods/web/proxy/a/b", ["", "v1", "shop", "pods", "proxy", "web"]],
  ["list", "/api/v1/namespaces", ["", "v1", "", "namespaces", "", ""]],
  ["get", "/api/v1/namespaces/shop", ["", "v1", "shop", "namespaces", "", "shop"]],
  ["update", "/api/v1/namespaces/shop/finalize", ["", "v1", "shop", "namespaces", "finalize", "shop"]],
  ["patch", "/api/v1/namespaces/shop/status", ["", "v1", "shop", "namespaces", "status", "shop"]],
  ["list", "/api/v1/namespaces/shop/secrets?limit=500", ["", "v1", "shop", "secrets", "", ""]],
  ["create", "/apis/apps/v1/namespaces/shop/deployments", ["apps", "v1", "shop", "deployments", "", ""]],
  ["watch", "/api/v1/watch/namespaces/shop/pods", ["", "v1", "shop", "pods", "", ""]],
  ["watch", "/api/v1/watch/pods/web", ["", "v1", "", "pods", "", "web"]],
  ["proxy", "/api/v1/proxy/namespaces/shop/pods/web/status", ["", "v1", "shop", "pods", "", "web"]],
  ["get", "/api/v1/watch", ["", "v1", "", "", "", ""]],
  ["get", "/apis/apps/v1/watch", ["apps", "v1", "", "", "", ""]],
  ["list", "/api/v1/pods?fieldSelector=metadata.name%3Dweb", ["", "v1", "", "pods", "", "web"]],
  [
    "watch",
    "/api/v1/pods?fieldSelector=metadata.name==web,status.phase%3DRunning&watch=1",
    ["", "v1", "", "pods", "", "web"],
  ],
  ["list", "/api/v1/pods?%66ieldSelector=metadata.name%3Dweb", ["", "v1", "", "pods", "", "web"]],
  ["list", "/api/v1/pods?fieldSelector=metadata.name!%3Dweb", ["", "v1", "", "pods", "", ""]],
  ["list", "/api/v1/pods?fieldSelector=metadata.name%3Da/b", ["", "v1", "", "pods", "", ""]],
  [
    "deletecollection",
    "/api/v1/namespaces/shop/pods?fieldSelector=metadata.name%3Dweb",
    ["", "v1", "shop", "pods", "", ""],
  ],
  ["get", "/api/v1/namespaces/%73hop/%70ods/w%20b", ["", "v1", "shop", "pods", "", "w b"]],
  ["get", "/api/v1/namespaces/shop/pods/../..", ["", "v1", "shop", "pods", "..", ".."]],
  ["get", "/api/v1/namespaces/shop/pods/100%", ["", "v1", "shop", "pods", "", "100%"]],
];

describe("requestInfo", () => {
  test.each(cases)("requestInfo reads %s %s as upstream does", (verb, uri, expected) => {
    const info = requestInfo(uri, verb);
    const got = [info.apiGroup, info.apiVersion, info.namespace, info.resource, info.subresource, info.name];
    expect(info.isResourceRequest ? got : undefined).toEqual(expected);
  });

  test("requestInfo decodes the path and leaves the query out", () => {
    expect(requestInfo("/logs/%ff%41?x=%41", "get").path).toBe("/logs/\ufffdA");
  });
});
