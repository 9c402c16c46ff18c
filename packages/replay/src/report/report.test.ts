import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventAt, logOf, ROOT } from "../replay-fixtures.suite.ts";
import { investigate, linesOf } from "./investigate.suite.ts";
import { filterFindings } from "./page/filter-findings.ts";
import type { FindingFilter } from "./page/filter-findings.ts";
import { indentJson } from "./page/indent-json.ts";
import { layoutGraph } from "./page/layout-graph.ts";
import { PAGE_SCRIPT, PAGE_STYLE } from "./page-source.ts";
import type { ReportFinding } from "./report-data.ts";
import { reportHtml } from "./write-report.ts";

const CANARY = "hunter2-canary-3f9c";

/** Secrets in every place where an event may hold them. */
const SECRET_EVENTS = [
  eventAt(0, {
    level: "RequestResponse",
    verb: "create",
    requestURI: "/api/v1/namespaces/kube-system/secrets",
    objectRef: { resource: "secrets", namespace: "kube-system", name: "s", apiVersion: "v1" },
    responseStatus: { code: 201 },
    requestObject: { kind: "Secret", metadata: { name: "s" }, stringData: { password: CANARY } },
    responseObject: {
      kind: "Secret",
      metadata: { name: "s" },
      data: { password: Buffer.from(CANARY).toString("base64") },
    },
  }),
  eventAt(1_000, {
    level: "RequestResponse",
    verb: "update",
    requestURI: "/api/v1/namespaces/kube-system/secrets/s",
    objectRef: { resource: "secrets", namespace: "kube-system", name: "s", apiVersion: "v1" },
    requestObject: { kind: "Secret", metadata: { name: "s" }, stringData: { password: `${CANARY}-2` } },
    responseObject: {
      kind: "Secret",
      metadata: { name: "s" },
      data: { password: Buffer.from(`${CANARY}-2`).toString("base64") },
    },
  }),
  eventAt(2_000, {
    verb: "get",
    requestURI: `/api/v1/namespaces/shop/pods/web/exec?command=mysql&command=--password%3D${CANARY}`,
    objectRef: { resource: "pods", subresource: "exec", namespace: "shop", name: "web", apiVersion: "v1" },
    responseStatus: { code: 101 },
  }),
  eventAt(3_000, {
    level: "RequestResponse",
    verb: "create",
    requestURI: "/api/v1/namespaces/kube-system/serviceaccounts/x/token",
    objectRef: {
      resource: "serviceaccounts",
      subresource: "token",
      namespace: "kube-system",
      name: "x",
      apiVersion: "v1",
    },
    responseStatus: { code: 201 },
    responseObject: { kind: "TokenRequest", status: { token: CANARY } },
    annotations: { "authentication.kubernetes.io/issued-credential-id": "JTI=abc" },
  }),
];

const HOSTILE = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>\u202e';

describe("the report", () => {
  test("no secret of the log is in it, in any encoding", async () => {
    const { data } = await investigate([logOf("a.log", linesOf(SECRET_EVENTS))]);
    const html = reportHtml(data).toString();
    const encodings = [
      CANARY,
      encodeURIComponent(CANARY),
      ...["", "x", "xy"].map((pad) =>
        Buffer.from(pad + CANARY)
          .toString("base64")
          .slice(4, 20),
      ),
    ];
    for (const text of encodings) {
      expect(html).not.toContain(text);
    }
    expect(data.findings.length).toBeGreaterThan(0);
    expect(html).toContain("redacted:");
  });

  test("a changed secret shows as one hash that becomes another", async () => {
    const { data } = await investigate([logOf("a.log", linesOf(SECRET_EVENTS))]);
    const change = data.objects.find(({ key }) => key === "secrets kube-system/s")?.revisions[1]?.changes[0];
    expect(change?.path).toBe("data.password");
    expect(change?.before).toMatch(/^redacted:/);
    expect(change?.after).not.toBe(change?.before);
  });

  test("hostile names end no element and are written without what hides itself", async () => {
    const events = [
      eventAt(0, {
        verb: "list",
        requestURI: "/api/v1/secrets",
        objectRef: { resource: "secrets", name: HOSTILE, apiVersion: "v1" },
        user: { username: HOSTILE, groups: [HOSTILE] },
        userAgent: HOSTILE,
        responseStatus: { code: 403 },
      }),
    ];
    const { data } = await investigate([logOf(HOSTILE, linesOf(events))]);
    const html = reportHtml(data).toString();
    expect(html.match(/<\/script/g)).toHaveLength(2);
    expect(html).not.toContain("<img");
    expect(html).not.toContain("\u202e");
    expect(data.actors.some(({ name }) => name.includes("onerror"))).toBe(true);
  });

  test("its data is one JSON document, whatever stands in it", async () => {
    const { data } = await investigate([
      logOf("…<𝄞", linesOf([eventAt(0), eventAt(1, { user: { username: HOSTILE } })])),
    ]);
    const embedded = /id="data">(.*)<\/script>/.exec(reportHtml(data).toString())?.[1];
    expect(embedded).toBe(JSON.stringify(data).replaceAll("<", "\\u003c"));
    expect(embedded).toContain("…\\u003c𝄞");
  });

  test("its content security policy lets exactly its own script and style run", async () => {
    const { data } = await investigate([logOf("a.log", linesOf([eventAt(0)]))]);
    const html = reportHtml(data).toString();
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? "";
    const hash = (text: string): string => createHash("sha256").update(text).digest("base64");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src 'sha256-${hash(PAGE_SCRIPT)}'`);
    expect(policy).toContain(`style-src 'sha256-${hash(PAGE_STYLE)}'`);
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(html).not.toMatch(/\son[a-z]+=|\sstyle="|src=|href="http/);
  });

  test("what it says of the log's limits is named", async () => {
    const { data } = await investigate([
      logOf("a.log", `${linesOf([eventAt(0, { verb: "create", responseStatus: { code: 201 } })])}{"torn\n`),
    ]);
    expect(data.log.limits.join("\n")).toContain("Lines that are no audit events, and in no finding: 1.");
    expect(data.log.limits.join("\n")).toContain("Writes without bodies (level Metadata)");
  });
});

describe("the page", () => {
  test("page-source.ts is what scripts/build-page.mjs makes of the sources", () => {
    const ran = spawnSync(process.execPath, [join(ROOT, "scripts/build-page.mjs"), "--check"], { encoding: "utf8" });
    expect(ran.stderr).toBe("");
    expect(ran.status).toBe(0);
  });

  test("indentJson changes white space only", () => {
    const line = '{"a":1e400,"b":["x, {y}","\\"q\\\\"],"c":{},"d":[],"n":12345678901234567890}';
    const text = indentJson(line);
    expect(
      text
        .split("\n")
        .map((each) => each.trim())
        .join("")
        .replaceAll('": ', '":'),
    ).toBe(line);
    expect(text).toContain("12345678901234567890");
    expect(text.split("\n").length).toBeGreaterThan(7);
  });

  test.each([
    [
      "a chain",
      3,
      [
        [0, 1],
        [1, 2],
      ],
      [0, 1, 2],
    ],
    [
      "a fork",
      3,
      [
        [0, 1],
        [0, 2],
      ],
      [0, 1, 1],
    ],
    ["a node alone", 1, [], [0]],
    [
      "a circle",
      2,
      [
        [0, 1],
        [1, 0],
      ],
      undefined,
    ],
    ["a link to itself", 1, [[0, 0]], [0]],
  ])("layoutGraph places %s", (_, nodes, pairs, columns) => {
    const places = layoutGraph(
      nodes,
      pairs.map(([from = 0, to = 0]) => ({ from, to })),
    );
    expect(places).toHaveLength(nodes);
    expect(new Set(places.map(({ column, row }) => `${column} ${row}`)).size).toBe(nodes);
    if (columns !== undefined) {
      expect(places.map(({ column }) => column)).toEqual(columns);
    }
  });

  const finding = (more: Partial<ReportFinding>): ReportFinding => ({
    title: "Secrets listed",
    detection: "d",
    severity: "high",
    techniques: ["T1552.007"],
    time: "2026-11-24T10:00:00.000000Z",
    actor: 0,
    impersonated: "",
    summary: "ann: list secrets cluster-wide",
    outcome: "denied",
    code: "403",
    namespace: "shop",
    object: -1,
    auditIDs: ["id-1"],
    events: [],
    ...more,
  });
  const all: FindingFilter = {
    text: "",
    severities: new Set(["high"]),
    actor: -1,
    technique: "",
    outcome: "",
    namespace: "",
    fromMs: 0,
    toMs: Number.MAX_SAFE_INTEGER,
  };
  test.each([
    ["nothing asked", {}, true],
    ["a word of the summary", { text: "SECRETS ann" }, true],
    ["a word that is not there", { text: "pods" }, false],
    ["its audit ID", { text: "id-1" }, true],
    ["another severity", { severities: new Set(["low"]) }, false],
    ["another actor", { actor: 1 }, false],
    ["its technique", { technique: "T1552.007" }, true],
    ["another technique", { technique: "T1609" }, false],
    ["another outcome", { outcome: "success" }, false],
    ["another namespace", { namespace: "ci" }, false],
    ["an earlier range", { toMs: 1 }, false],
  ])("filterFindings: %s", (_, asked, isFound) => {
    expect(filterFindings([finding({})], { ...all, ...asked }, () => "ann")).toEqual(isFound ? [0] : []);
  });
});
