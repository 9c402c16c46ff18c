import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { eventAt, linesOf, logOf, ROOT } from "../replay-fixtures.suite.ts";
import { investigate, investigateSample } from "../report/investigate.suite.ts";
import type { Investigated } from "../report/investigate.suite.ts";

interface Label {
  readonly auditID: string;
  readonly user: string;
  readonly primary: boolean;
  readonly technique: string;
  readonly step: number;
}

const LABELS = readFileSync(join(ROOT, "samples/attack-labels.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Label);

/** A loaded machine may take its time. */
const LOADED = 120_000;

describe("rankActors on the attack log", () => {
  let attack: Investigated;
  beforeAll(async () => {
    attack = await investigateSample("attack.log.zst");
  }, LOADED);

  test("rankActors names the attacker's identities first", () => {
    const attackers = new Set(LABELS.map(({ user }) => user).filter((user) => user !== ""));
    const first = attack.actors.slice(0, attackers.size).map(({ name }) => name);
    expect(new Set(first)).toEqual(attackers);
    expect(attack.actors.filter(({ isSuspicious }) => isSuspicious).map(({ name }) => name)).toEqual(first);
  });

  test("every labelled step is in the timeline", () => {
    const found = new Set([...attack.data.findings, ...attack.data.acts].flatMap(({ auditIDs }) => auditIDs));
    const steps = Map.groupBy(
      LABELS.filter(({ primary }) => primary),
      ({ step }) => step,
    );
    const missing = [...steps].filter(([, labels]) => !labels.some(({ auditID }) => found.has(auditID)));
    expect(missing.map(([step]) => step)).toEqual([]);
    expect(steps.size).toBe(62);
  });

  test("tellStories gives the compromised service account's token and its rights an origin", () => {
    const story = attack.stories.find(({ actors }) => actors.includes("system:serviceaccount:shop:web"));
    const texts = story?.links.map(({ text }) => text).join("\n") ?? "";
    expect(texts).toContain("kubernetes-admin asked for a token of service account shop/web");
    expect(texts).toContain("ops-carol bound ClusterRole cluster-admin by ClusterRoleBinding web-cluster-admin");
    expect(story?.ends.length).toBeGreaterThan(0);
  });

  test("every reason says what it is about, and points add up to the score", () => {
    for (const { score, reasons } of attack.actors) {
      expect(Math.abs(score - reasons.reduce((sum, { points }) => sum + points, 0))).toBeLessThan(1);
      expect(reasons.every(({ text }) => text.length > 5)).toBe(true);
    }
  });

  test.each(["quiet.log.zst", "working-day.log.zst"])(
    "rankActors lets nobody stand out in %s",
    async (name) => {
      const { actors, stories } = await investigateSample(name);
      expect(actors.filter(({ isSuspicious }) => isSuspicious)).toEqual([]);
      expect(stories).toEqual([]);
    },
    LOADED,
  );
});

test("rankActors puts nobody behind more than ten who were made up alike", async () => {
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" };
  const binding = (username: string, n: number): object =>
    eventAt(n, {
      level: "Request",
      verb: "create",
      requestURI: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
      user: { username, groups: ["system:authenticated"] },
      objectRef: { resource: "clusterrolebindings", apiGroup: roleRef.apiGroup, apiVersion: "v1", name: `b-${n}` },
      responseStatus: { code: 201 },
      requestObject: {
        kind: "ClusterRoleBinding",
        metadata: { name: `b-${n}` },
        roleRef,
        subjects: [{ kind: "User", name: username }],
      },
    });
  const listing = eventAt(9_000, {
    requestURI: "/api/v1/secrets",
    user: { username: "eve", groups: ["system:authenticated"] },
    objectRef: { resource: "secrets", apiVersion: "v1" },
  });
  const madeUp = Array.from({ length: 40 }, (_, n) => binding(`made-up-${n}`, n));
  const { actors } = await investigate([logOf("audit.log", linesOf([...madeUp, listing]))]);
  const standOut = actors.filter(({ isSuspicious }) => isSuspicious);
  expect(standOut).toHaveLength(41);
  expect(actors.findIndex(({ name }) => name === "eve")).toBe(10);
  expect(actors[10]?.score).toBeLessThan(actors[40]?.score ?? 0);
  expect(actors.slice(0, 41)).toEqual(expect.arrayContaining([...standOut]));
});
