import type { AuditEvent } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { headOf, timeOfEvent } from "../reading/event-parts.ts";
import { ClusterMemory } from "./cluster-memory.ts";
import { eventAt, madeWith, podCreated, podExec, toldOf } from "./events.suite.ts";
import { after, read } from "./memory.suite.ts";
import { changeOfPod } from "./pod-change.ts";
import type { PodChange } from "./pod-change.ts";
import { REMEMBERED_FIELDS } from "../condition/remembered-fields.ts";
import type { RememberedName } from "../condition/remembered-fields.ts";

describe("pods that are deleted", () => {
  it.each([
    ["without a selector, all of the namespace", "/api/v1/namespaces/shop/pods", undefined, ["yes", "yes", "no"]],
    ["as the answer names them", "/api/v1/namespaces/shop/pods?labelSelector=app%3Dw", ["web-1"], ["no", "yes", "no"]],
    [
      "with a selector and no answer, none",
      "/api/v1/namespaces/shop/pods?fieldSelector=a%3Db",
      undefined,
      ["no", "no", "no"],
    ],
    ["in a trial, none", "/api/v1/namespaces/shop/pods?dryRun=All", undefined, ["no", "no", "no"]],
  ])("knows pods that were deleted together: %s", (_, requestURI, items, expected) => {
    const other = podCreated(2, "web-0", {});
    const memory = after(
      podCreated(0, "web-0", {}),
      podCreated(1, "web-1", {}),
      { ...other, objectRef: { ...other.objectRef, namespace: "shop-2" } },
      eventAt(10, {
        verb: "deletecollection",
        requestURI,
        objectRef: { resource: "pods", namespace: "shop" },
        ...(items && { responseObject: { items: items.map((name) => ({ metadata: { name } })) } }),
      }),
    );
    const deleted = ["shop/web-0", "shop/web-1", "shop-2/web-0"].map((pod) => {
      const [namespace = "", name = ""] = pod.split("/");
      return memory.pods.find(namespace, name)?.deletedAt === undefined ? "no" : "yes";
    });
    expect(deleted).toEqual(expected);
  });

  const POD = "/api/v1/namespaces/shop/pods/web";
  const deleted = (more: Partial<AuditEvent>): AuditEvent =>
    eventAt(10, { verb: "delete", objectRef: { resource: "pods", namespace: "shop", name: "web" }, ...more });
  const together = (more: Partial<AuditEvent>): AuditEvent =>
    deleted({ verb: "deletecollection", objectRef: { resource: "pods", namespace: "shop" }, ...more });
  const all = { dryRun: ["All"] };

  it.each([
    ["by the word of its body", deleted({ requestURI: POD, requestObject: all }), "stands"],
    ["by its URI where no body was sent", deleted({ requestURI: `${POD}?dryRun=All` }), "stands"],
    ["by its URI, its body not recorded", deleted({ requestURI: `${POD}?dryRun=All`, level: "Metadata" }), "stands"],
    ["not by its URI beside a body", deleted({ requestURI: `${POD}?dryRun=All`, requestObject: {} }), "is deleted"],
    ["not by another word of its body", deleted({ requestURI: POD, requestObject: { dryRun: [] } }), "is deleted"],
    ["of all by the word of the body", together({ requestURI: "/api/v1/pods", requestObject: all }), "stands"],
    ["of all, not by the URI", together({ requestURI: "/x?dryRun=All", requestObject: {} }), "is deleted"],
  ])("knows a deleted pod from a trial %s", (_, event, expected) => {
    const { pods } = after(podCreated(0, "web", {}), event);
    expect(pods.find("shop", "web")?.deletedAt === undefined ? "stands" : "is deleted").toBe(expected);
  });

  it.each([
    ["its body says that it was one", { requestObject: all }, undefined],
    ["it was none", { requestObject: {} }, 10_000],
  ])("is told of a deletion as it would see it: %s", (_, more, expected) => {
    const event = deleted({ requestURI: POD, ...more });
    const memory = after(podCreated(0, "web", {}));
    memory.tell(changeOfPod(headOf(event)) as PodChange, toldOf(event), timeOfEvent(event));
    const { deletedAt } = memory.pods.find("shop", "web") ?? {};
    expect(deletedAt === undefined ? undefined : deletedAt - timeOfEvent(eventAt(0, {}))).toBe(expected);
  });
});

describe("ClusterMemory", () => {
  const events = [
    podCreated(0, "web", { hostPID: true }),
    eventAt(1, {
      verb: "create",
      objectRef: { resource: "clusterrolebindings", name: "b" },
      requestObject: { subjects: [{ kind: "User", name: "eve" }] },
    }),
    eventAt(2, { user: madeWith("JTI=1", "system:serviceaccount:shop:web") }),
  ];

  it("is the same after a snapshot", () => {
    const memory = after(...events);
    const restored = new ClusterMemory();
    expect(restored.restore(JSON.parse([...memory.snapshot()].join("")))).toBe(true);
    expect([...restored.snapshot()].join("")).toBe([...memory.snapshot()].join(""));
    expect(read(restored, "pod.hostPID", podExec(9))).toEqual([true]);
    expect(restored.restore({ version: 99 })).toBe(false);
  });

  it("holds no more than its bounds, and counts what it forgets", () => {
    const memory = new ClusterMemory({ maxPods: 10 });
    for (let n = 0; n < 100; n++) {
      memory.observe(podCreated(n, `p${n}`, {}));
    }
    expect(memory.evicted).toBe(80);
    expect(read(memory, "pod.hostPID", podExec(100, "p99"))).toEqual([false]);
    expect(read(memory, "pod.hostPID", podExec(100, "p1"))).toBe("unknown");
  });

  it.each(Object.keys(REMEMBERED_FIELDS) as RememberedName[])(
    "says the same of %s with the head alone, or nothing",
    (name) => {
      const all = [
        ...events,
        podExec(3),
        eventAt(4, {
          annotations: { "authorization.k8s.io/reason": 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r"' },
        }),
      ];
      for (const event of all) {
        const memory = after(...events);
        const byHead = memory.read(`auditsieve.${name}`, headOf(event));
        expect([undefined, memory.read(`auditsieve.${name}`, headOf(event), event)]).toContainEqual(byHead);
      }
    },
  );
});
