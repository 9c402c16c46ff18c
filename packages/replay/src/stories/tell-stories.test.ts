import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { eventAt, logOf, ROOT } from "../replay-fixtures.suite.ts";
import { investigate, investigateSample, linesOf } from "../report/investigate.suite.ts";
import type { Investigated } from "../report/investigate.suite.ts";

interface Step {
  readonly step: number;
  readonly chain?: number;
  readonly label: string;
  readonly principal: string;
  readonly auditIDs: readonly string[];
}

const STEPS = readFileSync(join(ROOT, "samples/lineage-steps.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Step);

/** A loaded machine may take its time. */
const LOADED = 120_000;

describe("tellStories on the lineage run", () => {
  let lineage: Investigated;
  beforeAll(async () => {
    lineage = await investigateSample("lineage.log.zst");
  }, LOADED);

  test("one story reaches from the first foothold to the last step", () => {
    const chain = STEPS.filter((step) => step.chain !== undefined);
    const story = lineage.data.stories.find(({ nodes }) => nodes.some(({ label }) => label === "ops-shadow"));
    const told = new Set(
      (story?.steps ?? []).flatMap(({ finding, event }) => [
        ...(lineage.data.findings[finding]?.auditIDs ?? []),
        auditIdOf(lineage, event),
      ]),
    );
    const people = chain.filter(({ principal }) => !principal.startsWith("system:kube-scheduler"));
    const missing = people.filter(({ auditIDs }) => !auditIDs.some((id) => told.has(id))).map(({ label }) => label);
    expect(missing).toEqual([]);
    expect(chain.length).toBe(20);
  });

  test("the chain is dev-dana, Deployment, ReplicaSet, Pod, token, token, certificate request, certificate", () => {
    const story = lineage.stories.find(({ actors }) => actors.includes("ops-shadow"));
    const labels = new Map(story?.nodes.map(({ id, label }) => [id, label]));
    const kinds = story?.links
      .filter(({ kind }) => kind !== "granted" && kind !== "reached")
      .toSorted((a, b) => (a.time < b.time ? -1 : 1))
      .map(({ from, to, kind }) =>
        `${labels.get(from)} -${kind}-> ${labels.get(to)}`.replaceAll(/-[0-9a-f]{8,10}(-[a-z0-9]{5})?/g, "-*"),
      );
    expect(kinds).toEqual([
      "dev-dana -created-> deployments.apps shop/image-cache",
      "deployments.apps shop/image-cache -owns-> replicasets.apps shop/image-cache-*",
      "replicasets.apps shop/image-cache-* -owns-> pod shop/image-cache-*",
      "pod shop/image-cache-* -token-> shop:deployer",
      "shop:deployer -token-> kube-system:backup-operator",
      "kube-system:backup-operator -certificate-> certificate request node-telemetry-7f",
      "kube-system:backup-operator -certificate-> certificate request node-telemetry-7f",
      "certificate request node-telemetry-7f -certificate-> ops-shadow",
    ]);
  });

  test("between the findings stands what was done, not what clients load, and what is alike once", () => {
    const acts = lineage.data.stories.flatMap(({ steps }) => steps.filter(({ kind }) => kind === "act"));
    const texts = acts.map(({ text }) => text);
    expect(texts.some((text) => text.includes("/openapi/"))).toBe(false);
    expect(texts).toContainEqual(
      expect.stringMatching(/^ops-erin: create pods\/eviction sandbox\/load-\S+ \(201\), and 8 more like it until /),
    );
  });

  test("where the chain ends it says so, and why", () => {
    const story = lineage.stories.find(({ actors }) => actors.includes("ops-shadow"));
    expect(story?.ends.map(({ text }) => text).join()).toContain("dev-dana came with a client certificate");
  });

  test("everything one credential touched is told, by the certificate that cannot be revoked", () => {
    const shadow = lineage.data.actors.find(({ name }) => name === "ops-shadow");
    const touched = shadow?.credentials.flatMap((credential) => credential.touched) ?? [];
    expect(shadow?.credentials).toHaveLength(1);
    expect(touched.filter(({ resource, verb }) => resource === "secrets" && verb === "get").length).toBeGreaterThan(5);
    expect(touched.map(({ verb, resource }) => `${verb} ${resource}`)).toContain("delete deployments.apps");
  });
});

describe("tellStories without bodies", () => {
  const web = "system:serviceaccount:shop:web";
  const pod = {
    "authentication.kubernetes.io/credential-id": ["JTI=1"],
    "authentication.kubernetes.io/pod-name": ["web-1"],
    "authentication.kubernetes.io/pod-uid": ["uid-1"],
  };
  const secrets = {
    verb: "list",
    requestURI: "/api/v1/secrets",
    objectRef: { resource: "secrets", apiVersion: "v1" },
    responseStatus: { code: 403 },
    userAgent: "curl/8",
    user: { username: web, groups: ["system:serviceaccounts", "system:authenticated"], extra: pod },
  };

  test("a pod that was not created in the log ends the chain with words", async () => {
    const { stories } = await investigate([logOf("a.log", linesOf([eventAt(0, secrets)]))]);
    const ends = stories.flatMap((story) => story.ends.map(({ text }) => text)).join("\n");
    expect(ends).toContain("Pod shop/web-1 was not created in this log");
    expect(ends).toContain("does not show who asked for this token");
  });

  test("a pod that a controller created at level Metadata ends the chain with the level", async () => {
    const made = eventAt(-1_000, {
      verb: "create",
      objectRef: { resource: "pods", namespace: "shop", name: "web-1", uid: "uid-1", apiVersion: "v1" },
      responseStatus: { code: 201 },
      user: { username: "system:serviceaccount:kube-system:replicaset-controller", groups: [] },
    });
    const { stories } = await investigate([logOf("a.log", linesOf([made, eventAt(0, secrets)]))]);
    const ends = stories.flatMap((story) => story.ends.map(({ text }) => text)).join("\n");
    expect(ends).toContain("holds no body that would name its owner (level Metadata)");
  });

  test.each(["constructor", "__proto__", "toString"])(
    "an identity called %s ends its chain as any other does",
    async (name) => {
      const named = { ...secrets, user: { username: name, groups: [] }, userAgent: name };
      const { stories } = await investigate([logOf("a.log", linesOf([eventAt(0, named)]))]);
      const ends = stories.flatMap((story) => story.ends.map(({ text }) => text)).join("\n");
      expect(ends).toContain("The requests carry no credential id");
    },
  );
});

function auditIdOf({ data }: Investigated, event: number | undefined): string {
  const line = event === undefined ? undefined : data.events[event]?.line;
  return line === undefined ? "" : (JSON.parse(line) as { readonly auditID: string }).auditID;
}
