import { createRedactor, EventScan } from "@auditsieve/audit";
import { FindingStream } from "@auditsieve/detect";
import { StreamPolicy } from "@auditsieve/policy/stream";
import type { StreamRules } from "@auditsieve/policy";
import { describe, expect, test, vi } from "vitest";
import { FindingTap } from "../detections/finding-tap.ts";
import {
  findingDifferences,
  findingDifferencesCut,
  redacting,
  shippedEngine,
  shuffledLines,
} from "./filter-findings.suite.ts";
import { filterChunks, formOf, fuzzPolicies, sampleLines } from "./filter-fuzz.suite.ts";
import { damage, Dice, mutateBytes, varyValues } from "./line-mutator.suite.ts";
import { podLines } from "./pod-lines.suite.ts";

/** The key of the copies that kubectl leaves in objects. */
const COPY = "kubectl.kubernetes.io/last-applied-configuration";
/** With the beginning of one that was not replaced yet. */
const COPIED = String.raw`${COPY}":"{\"kind\":\"Widget\"}\n`;

describe("Filter beside detections", () => {
  const policies = fuzzPolicies();
  const lines = sampleLines("attack.log.zst")
    .filter(({ length }) => length < 3000)
    .map(formOf);

  test.each([1])(
    "Filter finds and remembers what it does line by line, whatever is forgotten meanwhile (seed %i)",
    (seed) => {
      const dice = new Dice(seed);
      let leastShown = 1;
      for (let round = 0; round < 4; round++) {
        const verify = dice.below(2) === 0;
        const some = shuffledLines(lines, dice, 150, verify);
        const { differences, shown } = findingDifferencesCut(
          dice.of(policies),
          some,
          dice,
          { verify },
          dice.below(2) === 0,
        );
        expect(differences).toEqual([]);
        leastShown = Math.min(leastShown, shown);
      }
      expect(leastShown).toBeLessThan(0.8);
    },
  );

  test("Filter goes on where a line like others turns out to be no JSON when its finding is to be written, and finds nothing in it", () => {
    const bound = (n: number, body: string): string =>
      `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"a-${n}","stage":"ResponseComplete","requestURI":"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings","verb":"create","user":{"username":"eve","groups":["system:authenticated"]},"sourceIPs":["10.0.0.1"],"userAgent":"x/1","objectRef":{"resource":"clusterrolebindings","name":"b-${n}","apiGroup":"rbac.authorization.k8s.io","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":201},"requestObject":{"subjects":[{"kind":"User","name":"jane"}]${body}},"requestReceivedTimestamp":"2026-11-24T12:00:00.000123Z","stageTimestamp":"2026-11-24T12:00:00.000456Z","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}\n`;
    const some = Array.from({ length: 20 }, (_, n) => bound(n, n % 5 === 4 ? ',"x" 1' : ',"x":1'));
    const found = new Set<string>();
    const tap = new FindingTap(
      new FindingStream(shippedEngine()),
      createRedactor({ key: Buffer.alloc(32) }),
      ({ auditIDs }) => auditIDs.forEach((id) => found.add(id)),
    );
    const tell = vi.spyOn(tap, "tell");
    filterChunks({ policy: { rules: [] }, keep: [], conditions: [] }, [Buffer.from(some.join(""))], { watch: tap });
    tap.end();
    expect(tell.mock.calls.length).toBeGreaterThan(10);
    expect([...found].toSorted()).toEqual(some.flatMap((_, n) => (n % 5 === 4 ? [] : [`a-${n}`])).toSorted());
  });

  test("Filter passes over heads that differ in plain names, and over no other name", () => {
    const binding = lines.find((line) => line.includes("/binding") && line.includes("RequestReceived"));
    const [, name = ""] = /\/pods\/([^/]+)\/binding/.exec(binding?.toString() ?? "") ?? [];
    const named = (other: string, query = "pretty"): Buffer =>
      Buffer.from(
        `${binding?.toString().replaceAll(name, () => other)}`.replace('/binding"', () => `/binding?${query}"`),
      );
    const names = Array.from({ length: 200 }, (_, n) => `web-${n}.a:B`);
    const others = ["x?dryRun=All&y=", "x/..?&dryRun=All", "x\\u003fdryRun=All", "x%3FdryRun=All", "", "é", "x?a"];
    const tried = names.slice(0, 9).map((other) => named(other, "dryRun=All"));
    const some = [
      ...[...names, ...others, ...others].map((other) => named(other)),
      ...tried,
      ...names.map((other) => named(other)),
    ];
    const [rules = { policy: { rules: [] }, keep: [], conditions: [] }] = policies;
    const { differences, findings, shown } = findingDifferencesCut(rules, some, new Dice(7), {});
    expect(differences).toEqual([]);
    expect(findings).toBeGreaterThan(0);
    expect(shown).toBeLessThan(0.2);
  });

  test.each([true, false])(
    "Filter passes over heads that differ in their namespace, but not where that decides (with detections: %s)",
    (isWatched) => {
      const seen = (space: string, i: number): Buffer => {
        const verb = i % 3 === 0 ? "list" : "get";
        const name = verb === "list" ? "" : `/e-${i}`;
        const user = i % 2 === 0 ? "system:kube-controller-manager" : "system:kube-scheduler";
        return Buffer.from(
          `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"${i}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/${space}/endpoints${name}${verb === "list" ? "?limit=500" : ""}","verb":"${verb}","user":{"username":"${user}","groups":["system:authenticated"]},"sourceIPs":["10.0.0.1"],"userAgent":"x/1","objectRef":{"resource":"endpoints","namespace":"${space}",${name === "" ? "" : `"name":"e-${i}",`}"apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-11-24T12:00:00.000123Z","stageTimestamp":"2026-11-24T12:00:00.000123Z","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}`,
        );
      };
      const odd = ["kube-system", "é", "", "a/b", "a?b", "x%2fy", "a\\u002fb", "status", "watch", ".."];
      const spaces = Array.from({ length: 120 }, (_, i) =>
        i % 12 === 5 ? (odd[(i / 12) | 0] ?? "kube-system") : `n-${i}`,
      );
      const some = [...spaces, ...spaces.toReversed()].map((space, i) => seen(space, i));
      const rules: StreamRules = {
        policy: {
          rules: [
            { level: "None", users: ["system:kube-scheduler"], verbs: ["get"], namespaces: ["kube-system"] },
            { level: "None", verbs: ["list"], resources: [{ group: "", resources: ["endpoints"] }] },
            { level: "Metadata" },
          ],
        },
        keep: [],
        conditions: [],
      };
      if (isWatched) {
        const { differences, shown } = findingDifferencesCut(rules, some, new Dice(7), {}, true, {});
        expect(differences).toEqual([]);
        expect(shown).toBeLessThan(0.5);
      }
      const decide = vi.spyOn(StreamPolicy.prototype, "decide");
      const lines = [Buffer.concat(some.flatMap((each) => [each, Buffer.from("\n")]))];
      const together = filterChunks(rules, lines, isWatched ? redacting(false) : {});
      const decided = decide.mock.calls.length;
      vi.restoreAllMocks();
      const apart = some.map((each) => filterChunks(rules, [Buffer.concat([each, Buffer.from("\n")])], {}));
      expect(together.out.equals(Buffer.concat(apart.map(({ out }) => out)))).toBe(true);
      expect(decided).toBeLessThan(0.5 * some.length);
      expect(together.out.length).toBeLessThan(Buffer.concat(some).length);
    },
  );

  describe("of lines with copies of objects", () => {
    const copied = sampleLines("lineage.log.zst")
      .map((line) => Buffer.from(line.toString().replaceAll(`${COPY}":"redacted:`, () => COPIED)))
      .filter((line) => line.includes(COPIED) && line.length < 4000);
    const rules: StreamRules = { policy: { rules: [{ level: "RequestResponse" }] }, keep: [], conditions: [] };

    test("Filter scans none that is like another one, and redacts each", () => {
      const [line = Buffer.alloc(0)] = copied;
      const some = Array.from({ length: 100 }, (_, i) =>
        Buffer.from(line.toString().replaceAll("Widget", `hunter${i}`)),
      );
      const scan = vi.spyOn(EventScan.prototype, "scan");
      const input = Buffer.concat(some.flatMap((each) => [each, Buffer.from("\n")]));
      const { out } = filterChunks(rules, [input], redacting(false));
      const scanned = scan.mock.calls.length;
      vi.restoreAllMocks();
      expect(scanned).toBeLessThan(5);
      expect(out.includes("hunter")).toBe(false);
      expect(findingDifferences(rules, some, [input], {}, {}, true)).toMatchObject({ differences: [], shown: 0.02 });
    });

    test("Filter takes only those for events that are, whatever stands behind their heads", () => {
      const dice = new Dice(3);
      let broken = 0;
      for (let round = 0; round < 4; round++) {
        const some = Array.from({ length: 4 }, () => dice.of(copied));
        const mutated = Array.from({ length: 150 }, (_, i) => {
          const line = i < 20 ? dice.of(some) : varyValues(dice.of(some), dice);
          const other = dice.of([line, line, mutateBytes(line, dice), damage(line, some, dice)]);
          broken += other === line ? 0 : 1;
          // Where none is left, what is whole is taken for an event (docs/filter.md).
          return other.includes(COPIED) && !other.includes("\n") ? other : line;
        });
        expect(findingDifferencesCut(rules, mutated, dice, {}, true, {}).differences).toEqual([]);
      }
      expect(broken).toBeGreaterThan(200);
    });
  });

  test("Filter redacts every line about Secrets, and decides and asks of those that are alike once", () => {
    const read = (i: number): Buffer =>
      Buffer.from(
        `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"${i}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/secrets/s-${i}","verb":"get","user":{"username":"${i % 60 === 59 ? "jane" : "system:kube-controller-manager"}","groups":["system:authenticated"]},"sourceIPs":["10.0.0.1"],"userAgent":"x/1","objectRef":{"resource":"secrets","namespace":"shop","name":"s-${i}","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"responseObject":{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s-${i}"},"data":{"p":"${Buffer.from(`secret ${i}`).toString("base64")}"}},"requestReceivedTimestamp":"2026-11-24T12:00:00.000123Z","stageTimestamp":"2026-11-24T12:00:00.000123Z","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}`,
      );
    const some = Array.from({ length: 300 }, (_, i) => read(i));
    const rules: StreamRules = { policy: { rules: [{ level: "RequestResponse" }] }, keep: [], conditions: [] };
    const decide = vi.spyOn(StreamPolicy.prototype, "decide");
    const candidates = vi.spyOn(FindingStream.prototype, "candidates");
    const calls = (spy: typeof decide | typeof candidates): number => spy.mock.calls.length;
    const input = Buffer.concat(some.flatMap((each) => [each, Buffer.from("\n")]));
    const { differences, findings } = findingDifferences(rules, some, [input], {}, {}, true);
    // One of the two looks at every line.
    const [decided, asked] = [calls(decide) - some.length, calls(candidates) - some.length];
    vi.restoreAllMocks();
    expect(differences).toEqual([]);
    expect(findings).toBeGreaterThan(0);
    expect([decided < 20, asked < 20]).toEqual([true, true]);
  });

  test("Filter tells the detections of objects made under other names, which stand in no path", () => {
    const made = (name: string, i: number): Buffer =>
      Buffer.from(
        `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"${i}","stage":"ResponseComplete","requestURI":"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings${i % 40 === 39 ? "?dryRun=All" : ""}","verb":"create","user":{"username":"jane","groups":["system:authenticated"]},"sourceIPs":["10.0.0.1"],"userAgent":"x/1","objectRef":{"resource":"clusterrolebindings","name":"${name}","apiGroup":"rbac.authorization.k8s.io","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":201},"requestObject":{"kind":"ClusterRoleBinding","metadata":{"name":"${name}"},"subjects":[{"kind":"User","name":"${name}"}],"roleRef":{"kind":"ClusterRole","name":"${i % 50 === 49 ? "cluster-admin" : "view"}"}},"requestReceivedTimestamp":"2026-11-24T12:00:00.000123Z","stageTimestamp":"2026-11-24T12:00:00.000123Z","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}`,
      );
    const odd = ["é", "a\\u003fdryRun=All", "x?dryRun=All", "..", "node-debugger-a", "", "system:a"];
    const some = Array.from({ length: 300 }, (_, i) => made(i % 20 === 0 ? (odd[i % 7] as string) : `n-${i}.a:B`, i));
    const [rules = { policy: { rules: [] }, keep: [], conditions: [] }] = policies;
    const { differences, findings, shown, told } = findingDifferencesCut(rules, some, new Dice(7), {}, true, {});
    expect(differences).toEqual([]);
    expect(findings).toBeGreaterThan(0);
    expect(shown).toBeLessThan(0.3);
    expect(told).toBeGreaterThan(0.7);
  });

  test.each(["1\xc2as", "1a\xb5s", "1\xc2\xb5\xc2s", "1\xb5\xc2s", "1\xc2\xb5\xb5s", "1\xc2", "1\\u00b5s", '1"'])(
    "Filter passes over requests that took differently long, but not over %j, which is another kind of text",
    (odd) => {
      const slow = (took: string, i: number): Buffer =>
        Buffer.from(
          `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"${i}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/kube-system/endpoints/a","verb":"get","user":{"username":"system:kube-controller-manager","groups":["system:authenticated"]},"sourceIPs":["10.0.0.1"],"userAgent":"x/1","objectRef":{"resource":"endpoints","namespace":"kube-system","name":"a","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-11-24T12:00:00.000123Z","stageTimestamp":"2026-11-24T12:00:00.000123Z","annotations":{"apiserver.latency.k8s.io/etcd":"${took}","authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}`,
          "latin1",
        );
      const took = ["1\xc2\xb5s", "1.5ms", "618.584\xc2\xb5s", "2s"];
      const some = Array.from({ length: 200 }, (_, i) => slow(i % 20 === 19 ? odd : (took[i % 4] as string), i));
      const [rules = { policy: { rules: [] }, keep: [], conditions: [] }] = policies;
      const { differences, shown } = findingDifferencesCut(rules, some, new Dice(7), {});
      expect(differences).toEqual([]);
      expect(shown).toBeLessThan(0.2);
    },
  );

  test("Filter tells the detections of what happens to pods as if they had looked at each line", () => {
    let most = 0;
    for (let seed = 1; seed < 4; seed++) {
      const dice = new Dice(seed);
      const some = podLines(dice, 200).map((line, i) => formOf(line, dice.below(4) > 0 ? 3 : i));
      const { differences, told } = findingDifferencesCut(
        dice.of(policies),
        some,
        dice,
        { verify: dice.below(4) === 0 },
        dice.below(2) === 0,
        { maxPods: 20 },
      );
      expect(differences).toEqual([]);
      most = Math.max(most, told);
    }
    expect(most).toBeGreaterThan(0.1);
  });
});
