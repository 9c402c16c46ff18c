import type { AuditEvent } from "@auditsieve/audit";
import { beforeAll, describe, expect, test } from "vitest";
import type { ReplayLog } from "../lines/log-reader.ts";
import { logOf, REDACTOR, sample } from "../replay-fixtures.suite.ts";
import { replayLogs } from "../replay-logs.ts";
import { FactGatherer } from "../facts/gather-facts.ts";
import { credentialUses } from "./credential-uses.ts";
import type { CredentialUse, CredentialUses } from "./credential-uses.ts";

/** A loaded machine may take its time. */
const LOADED = 120_000;
const CREDENTIAL = "authentication.kubernetes.io/credential-id";

describe("credentialUses on the lineage run", () => {
  const bytes = sample("lineage.log.zst");
  const text = bytes.toString("utf8");
  const logs: readonly ReplayLog[] = [logOf("lineage.log", bytes)];
  const gatherer = new FactGatherer();
  beforeAll(async () => {
    await replayLogs({ logs, detections: [], redactor: REDACTOR, visitors: [gatherer] });
  }, LOADED);

  function ask(credential: string, more: { since?: string; until?: string } = {}): Promise<CredentialUses> {
    return credentialUses({ credential, ...more }, { facts: gatherer.facts(), logs });
  }

  async function the(credential: string): Promise<CredentialUse> {
    const { uses } = await ask(credential);
    expect(uses).toHaveLength(1);
    return uses[0] as CredentialUse;
  }

  test("everything is counted that events of a credential show, read one by one", async () => {
    const expected = new Map<string, string[]>();
    const streams = new Set<string>();
    for (const line of text.trim().split("\n")) {
      const event = JSON.parse(line) as AuditEvent;
      const [credential] = event.user?.extra?.[CREDENTIAL] ?? [];
      // A stream that began counts then, and not once more at its end.
      const isCounted = event.stage !== "RequestReceived" && !streams.has(event.auditID);
      if (event.stage === "ResponseStarted") {
        streams.add(event.auditID);
      }
      if (credential !== undefined && isCounted) {
        const { resource = "", apiGroup = "", subresource = "" } = event.objectRef ?? {};
        const group = apiGroup === "" ? "" : `.${apiGroup}`;
        const below = subresource === "" ? "" : `/${subresource}`;
        const what = resource === "" ? "path" : `${resource}${group}${below}`;
        expected.set(credential, [...(expected.get(credential) ?? []), `${event.verb} ${what}`]);
      }
    }
    expect(expected.size).toBeGreaterThan(20);
    for (const [credential, requests] of expected) {
      const { touched } = await the(credential);
      const told = touched.flatMap(({ verb, resource, requests: times }) =>
        Array.from({ length: times }, () => `${verb} ${resource.startsWith("/") ? "path" : resource}`),
      );
      expect(told.toSorted(), credential).toEqual(requests.toSorted());
    }
  });

  test("each credential of the chain leads to the one before and to the one after it", async () => {
    const chain = ["shop:deployer", "kube-system:backup-operator", "ops-shadow"];
    const { ledTo } = await the("dev-dana");
    expect(ledTo.map(({ name }) => name.replace("system:serviceaccount:", ""))).toEqual(chain);
    for (const [i, { credential = "" }] of ledTo.entries()) {
      const after = (await the(credential)).ledTo.map(({ name }) => name.replace("system:serviceaccount:", ""));
      expect(after).toEqual(chain.slice(i + 1));
    }
    const token = (await the(ledTo[0]?.credential ?? "")).broughtForth.find(({ kind }) => kind === "token");
    expect(token).toMatchObject({ credential: ledTo[1]?.credential, requests: ledTo[1]?.requests });
    const { origin, allowed, broughtForth } = await the("ops-shadow");
    expect(origin.links[0]?.text).toContain("dev-dana created deployments.apps shop/image-cache");
    expect(origin.ends.map(({ text: said }) => said)[0]).toContain("It cannot be revoked");
    expect(allowed.map(({ grant, requests }) => [grant?.binding, requests])).toEqual([["platform-telemetry", 13]]);
    // Its template names no service account.
    expect(broughtForth.map(({ kind, text: said }) => [kind, said])).toEqual([
      ["workload", "daemonsets.apps kube-system/node-telemetry, to run as service account default"],
    ]);
    const operator = await the(ledTo[1]?.credential ?? "");
    expect(operator.broughtForth.find(({ kind }) => kind === "certificate")).toMatchObject({
      credential: ledTo[2]?.credential,
      requests: 13,
    });
    expect(operator.broughtForth.filter(({ kind }) => kind === "rights")).toMatchObject([
      { requests: 13, text: expect.stringContaining("let ops-shadow pass") as string },
    ]);
  });

  test("each claim has the auditID of an event of the log", async () => {
    const told = await ask("ops-shadow");
    const known = new Set(
      text
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as AuditEvent).auditID),
    );
    for (const { touched, allowed, origin } of told.uses) {
      for (const { place } of [...touched, ...allowed, ...origin.links]) {
        expect(known).toContain(told.auditIDs.get(place ?? -1));
      }
    }
  });

  test("a credential is found by its beginning, and by who holds it, with all others of that name", async () => {
    const { credential = "" } = await the("ops-shadow");
    expect((await the(`${credential.slice(0, 24)}…`)).name).toBe("ops-shadow");
    expect((await the(`${credential.slice(0, 24)}*`)).name).toBe("ops-shadow");
    expect((await ask("X509")).uses).toEqual([]);
    expect((await ask("system:serviceaccount:shop:*")).uses.length).toBeGreaterThan(1);
    expect((await ask("shop:deploier")).near).toEqual([]);
    expect((await ask("deployer")).near).toContain("system:serviceaccount:shop:deployer");
  });

  test("since and until choose what was touched in that time", async () => {
    const { touched } = await the("ops-shadow");
    const [middle = ""] = touched.slice(6).map(({ first }) => first);
    const [before, after] = [await ask("ops-shadow", { until: middle }), await ask("ops-shadow", { since: middle })];
    expect(before.uses[0]?.touched).toEqual(touched.slice(0, 6));
    expect(after.uses[0]?.touched).toEqual(touched.slice(6));
  });
});
