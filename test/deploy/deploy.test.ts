import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readYaml } from "../../packages/audit/src/index.ts";
import { readConfig } from "../../packages/ingest/src/index.ts";
import { indexTemplate } from "../../packages/ingest/src/sinks/index-template.ts";
import { DEFAULT_LIMITS } from "../../packages/ingest/src/pipeline/pipeline-limits.ts";
import { EXIT } from "../../packages/cli/src/exit-code.ts";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

interface SavedObject {
  readonly type: string;
  readonly id: string;
  readonly attributes: { readonly [key: string]: unknown };
  readonly references: readonly { readonly type: string; readonly id: string; readonly name: string }[];
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

test("the configuration that the manifests bring is one that the daemon takes", () => {
  const references = {
    env: (name: string) => (name === "CLUSTER" ? "prod" : undefined),
    readFile: (path: string) => read(path),
    policy: (name: string) => read(`profiles/noise/${name}.policy.yaml`),
    detections: () => [],
  };
  const { config, problems } = readConfig(read("deploy/auditsieve.yaml"), references);
  expect(problems).toEqual([]);
  expect([config?.cluster, config?.sinks.length]).toEqual(["prod", 1]);
  expect(read("deploy/kustomize/base/auditsieve.yaml")).toBe(read("deploy/auditsieve.yaml"));
  const values = readYaml(read("deploy/helm/auditsieve/values.yaml")).documents[0]?.value as { config: object };
  const chart = readConfig(JSON.stringify({ cluster: "prod", ...values.config }), references);
  expect(chart.problems).toEqual([]);
});

describe("the saved objects of Kibana", () => {
  const objects = read("deploy/kibana/auditsieve.ndjson")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as SavedObject);

  test("refer to one another, and come in an order in which they can be imported", () => {
    const known = new Set<string>();
    for (const { type, id, references } of objects) {
      for (const reference of references) expect(known).toContain(`${reference.type}/${reference.id}`);
      known.add(`${type}/${id}`);
    }
    expect(known.size).toBe(objects.length);
  });

  test("name each reference that they use, use each that they name, and give the dashboard's panels places of their own", () => {
    const usedBy = ({ attributes }: SavedObject): readonly string[] => {
      const { panelsJSON, kibanaSavedObjectMeta: meta } = attributes as {
        readonly panelsJSON?: string;
        readonly kibanaSavedObjectMeta?: { readonly searchSourceJSON: string };
      };
      const { indexRefName } = JSON.parse(meta?.searchSourceJSON ?? "{}") as { readonly indexRefName?: string };
      return [
        ...(indexRefName === undefined ? [] : [indexRefName]),
        ...panelsOf(panelsJSON).map((each) => each.panelRefName),
      ];
    };
    for (const object of objects) {
      expect([object.id, ...usedBy(object)]).toEqual([object.id, ...object.references.map(({ name }) => name)]);
    }
    const [dashboard] = objects.filter(({ type }) => type === "dashboard");
    const panels = panelsOf(dashboard?.attributes["panelsJSON"] as string);
    expect(panels.length).toBeGreaterThan(4);
    expect(
      overlaps(
        panels.map(({ gridData }) => gridData),
        48,
      ),
    ).toEqual([]);
    for (const { type, panelRefName, panelIndex, gridData } of panels) {
      expect(dashboard?.references).toContainEqual(expect.objectContaining({ type, name: panelRefName }));
      expect(gridData.i).toBe(panelIndex);
    }
  });

  test("name fields that the index template has", () => {
    const fields = new Set(["@timestamp", ...fieldsOf(indexTemplate("kubernetes.audit_logs"))]);
    const named = objects.flatMap(({ attributes }) => [
      ...((attributes["columns"] as readonly string[] | undefined) ?? []),
      ...[...JSON.stringify(attributes).matchAll(/\\+"field\\+":\\+"([^"\\]+)/g)].map(([, field]) => String(field)),
      ...[...JSON.stringify(attributes).matchAll(/([\w.]+) : /g)].map(([, field]) => String(field)),
    ]);
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((field) => !fields.has(field))).toEqual([]);
  });

  test("look into the data streams that the template is for", () => {
    const view = objects.find(({ type }) => type === "index-pattern");
    expect(indexTemplate("kubernetes.audit_logs").index_patterns).toEqual([view?.attributes["title"]]);
  });
});

test("the Grafana dashboard and the alerts ask for metrics, labels and no others that the daemon has", () => {
  const source = read("packages/ingest/src/metrics/metrics.ts");
  const known = new Set([...source.matchAll(/"([a-z]+(?:_[a-z]+)+)"/g)].map(([, name]) => `auditsieve_${name}`));
  const dashboard = JSON.parse(read("deploy/grafana/auditsieve.json")) as {
    readonly panels: readonly { readonly id: number; readonly targets: readonly { readonly expr: string }[] }[];
  };
  const alerts = readYaml(read("deploy/grafana/alerts.yaml")).documents[0]?.value as unknown as {
    readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
  };
  const asked = [
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...alerts.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
  ];
  const names = asked.flatMap((expr) => expr.match(/auditsieve_\w+/g) ?? []);
  expect(names.length).toBeGreaterThanOrEqual(asked.length);
  expect(names.filter((name) => !known.has(name))).toEqual([]);
  const labels = asked.flatMap((expr) =>
    [...expr.matchAll(/by \(([^)]+)\)/g)].flatMap(([, list]) => list?.split(", ") ?? []),
  );
  expect(labels.filter((label) => !["instance", "job"].includes(label) && !source.includes(label))).toEqual([]);
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
});

test("the panels of the Grafana dashboard stand side by side, and ask the data source that was chosen", () => {
  const source = { type: "prometheus", uid: "${datasource}" };
  const dashboard = JSON.parse(read("deploy/grafana/auditsieve.json")) as {
    readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
    readonly panels: readonly {
      readonly type: string;
      readonly gridPos: Place;
      readonly datasource: object;
      readonly targets: readonly { readonly datasource: object }[];
    }[];
  };
  expect(dashboard.templating.list).toContainEqual(expect.objectContaining({ name: "datasource", type: "datasource" }));
  for (const { type, datasource, targets } of dashboard.panels) {
    expect(["stat", "timeseries"]).toContain(type);
    expect([datasource, ...targets.map((target) => target.datasource)]).toEqual([source, ...targets.map(() => source)]);
  }
  expect(
    overlaps(
      dashboard.panels.map(({ gridPos }) => gridPos),
      24,
    ),
  ).toEqual([]);
});

test("alerts see the first event of a counter that was not there before", () => {
  const rules = [...read("deploy/grafana/alerts.yaml").matchAll(/^ +expr: (.*increase.*)$/gm)].map(([, expr]) => expr);
  expect(rules.length).toBeGreaterThan(6);
  for (const rule of rules) {
    const [, counter = ""] = /^increase\((\S+)\[15m\]\) > 0/.exec(rule ?? "") ?? [];
    expect(rule).toBe(`increase(${counter}[15m]) > 0 or (${counter} unless ${counter} offset 15m) > 0`);
  }
});

test("nothing of the manifests is privileged, writable or allowed to gain rights", () => {
  const files = readdirSync(join(ROOT, "deploy"), { recursive: true, encoding: "utf8" }).filter((name) =>
    /(daemon-set|static-pod.*|_pod)\.(yaml|tpl)$/.test(name),
  );
  expect(files).toHaveLength(3);
  for (const file of files) {
    const text = read(join("deploy", file));
    expect(text).toMatch(/readOnlyRootFilesystem: true/);
    expect(text).toMatch(/allowPrivilegeEscalation: false/);
    expect(text).toMatch(/drop: \[ALL\]/);
    expect(text).toMatch(/automountServiceAccountToken: false/);
    expect(text).not.toMatch(/hostNetwork|hostPID|hostIPC|privileged: true/);
    expect(text).toMatch(/name: audit-log, mountPath: .+, readOnly: true/);
  }
});

test("network policies let pods reach names, OpenShift's too, and the ports that sinks usually have", () => {
  const ports = (text: string): readonly string[] =>
    [...text.slice(text.indexOf("  egress:")).matchAll(/protocol: (\w+), port: (\d+)/g)].map(
      ([, by, port]) => `${by} ${port}`,
    );
  const names = ["UDP 53", "TCP 53", "UDP 5353", "TCP 5353"];
  const [, listed = ""] = /egressPorts: \[(.+)\]/.exec(read("deploy/helm/auditsieve/values.yaml")) ?? [];
  expect(listed.split(", ").toSorted()).toEqual(["443", "9092", "9093", "9200", "9243"]);
  expect(ports(read("deploy/helm/auditsieve/templates/network-policy.yaml"))).toEqual(names);
  expect(ports(read("deploy/kustomize/base/network-policy.yaml"))).toEqual([
    ...names,
    ...listed.split(", ").map((port) => `TCP ${port}`),
  ]);
});

test("whatever stops the daemon waits for its drain, and systemd does not start again what a person has to mend", () => {
  const unit = read("deploy/systemd/auditsieve.service");
  expect(unit).toMatch(new RegExp(`^RestartPreventExitStatus=${EXIT.unusable}$`, "m"));
  expect(unit).toMatch(/^RestartForceExitStatus=SIGHUP$/m);
  const waits = [
    ...["helm/auditsieve/templates/_pod.tpl", "kustomize/base/daemon-set.yaml", "static-pod/auditsieve.yaml"].map(
      (file) => /terminationGracePeriodSeconds: (\d+)/.exec(read(join("deploy", file)))?.[1],
    ),
    /^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1],
    /stop_grace_period: (\d+)s/.exec(read("docker-compose.yml"))?.[1],
  ];
  // Ten seconds more are for a broker that is away (docs/ingest-sources.md).
  const least = DEFAULT_LIMITS.drainMs / 1000 + 10;
  expect(waits.filter((seconds) => !(Number(seconds) > least))).toEqual([]);
});

test("every service of docker-compose.yml names an image or how to build one, and listens on the loopback interface only", () => {
  const compose = readYaml(read("docker-compose.yml")).documents[0]?.value as unknown as {
    readonly services: Readonly<Record<string, { image?: string; build?: object; ports?: readonly string[] }>>;
  };
  expect(Object.keys(compose.services)).toEqual(
    expect.arrayContaining(["elasticsearch", "kibana", "kafka", "auditsieve"]),
  );
  for (const [name, { image, build, ports = [] }] of Object.entries(compose.services)) {
    expect([name, image ?? build]).not.toEqual([name, undefined]);
    expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
  }
});

test("docker-compose.yml gives the daemon a configuration that it takes, and what that names", () => {
  const compose = readYaml(read("docker-compose.yml")).documents[0]?.value as unknown as {
    readonly services: Readonly<
      Record<
        string,
        {
          readonly environment?: Readonly<Record<string, string>>;
          readonly volumes?: readonly string[];
          readonly command?: readonly string[];
          readonly depends_on?: object;
          readonly build?: { readonly dockerfile: string };
        }
      >
    >;
    readonly volumes: Readonly<Record<string, unknown>>;
  };
  const { environment = {}, volumes = [], command = [], build } = compose.services["auditsieve"] ?? {};
  expect(read(build?.dockerfile ?? "")).toContain("ENTRYPOINT");
  const mounts = volumes.map((volume) => volume.replace(/^\$\{[^}]*\}/, "log").split(":"));
  const file = mounts.find(([, target]) => target === command[command.indexOf("-c") + 1])?.[0] ?? "";
  const { config, problems } = readConfig(read(file), {
    env: (name) => environment[name],
    readFile: (path) => read(path),
    policy: (name) => read(`profiles/noise/${name}.policy.yaml`),
    detections: () => [],
  });
  expect(problems).toEqual([]);
  const isMounted = (path: string): boolean => mounts.some(([, target = "-"]) => path.startsWith(`${target}/`));
  const folders = config?.sinks.flatMap((sink) => ("folder" in sink ? [sink.folder] : [])) ?? [];
  const logs = config?.sources.flatMap((source) => ("paths" in source ? source.paths : [])) ?? [];
  expect([config?.stateFolder ?? "", ...folders, ...logs].filter((path) => !isMounted(path))).toEqual([]);
  const hosts = config?.sinks.flatMap((sink) => (sink.type === "elasticsearch" ? [new URL(sink.node).hostname] : []));
  expect(hosts?.filter((host) => !(host in compose.services))).toEqual([]);
  const used = Object.values(compose.services).flatMap(({ volumes: each = [] }) =>
    each.flatMap((volume) => /^([a-z]+):/.exec(volume)?.[1] ?? []),
  );
  expect(used.filter((name) => !(name in compose.volumes))).toEqual([]);
  const needed = Object.values(compose.services).flatMap(({ depends_on: others = {} }) => Object.keys(others));
  expect(needed.filter((name) => !(name in compose.services))).toEqual([]);
});

test("the Dockerfile builds with the versions of the checkout, and what npm run pack makes", () => {
  const text = read("deploy/docker/Dockerfile");
  const { version } = JSON.parse(read("node_modules/node/package.json")) as { readonly version: string };
  expect(text).toContain(`FROM node:${version.split(".")[0]}-slim`);
  expect(text).toContain(`nodejs${version.split(".")[0]}-`);
  expect(text).toContain("RUN node scripts/pack.mjs /archives ");
});

test("the alerts ask for kinds of alarms that the daemon raises", () => {
  const kinds = [...read("deploy/grafana/alerts.yaml").matchAll(/alarms_total\{kind="([^"]+)"/g)].map(
    ([, kind]) => kind,
  );
  expect(kinds.length).toBeGreaterThan(0);
  const sources = read("packages/ingest/src/source.ts");
  expect(kinds.filter((kind) => !sources.includes(`| "${kind}"`))).toEqual([]);
});

interface KibanaPanel {
  readonly type: string;
  readonly panelRefName: string;
  readonly panelIndex: string;
  readonly gridData: Place & { readonly i: string };
}

function panelsOf(text = "[]"): readonly KibanaPanel[] {
  return JSON.parse(text) as readonly KibanaPanel[];
}

/** Pairs of places that cover one another, and places that reach over the grid's width. */
function overlaps(places: readonly Place[], width: number): readonly (readonly Place[])[] {
  const pairs = places.flatMap((a, i) => places.slice(i + 1).map((b) => [a, b] as const));
  return [
    ...places.filter(({ x, w }) => x < 0 || x + w > width).map((place) => [place]),
    ...pairs.filter(([a, b]) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h),
  ];
}

/** Full names of the mapped fields. */
function fieldsOf(template: object): readonly string[] {
  const walk = (properties: Readonly<Record<string, unknown>>, prefix: string): readonly string[] =>
    Object.entries(properties).flatMap(([name, mapping]) => {
      const inner = (mapping as { readonly properties?: Readonly<Record<string, unknown>> }).properties;
      return inner === undefined ? [`${prefix}${name}`] : walk(inner, `${prefix}${name}.`);
    });
  const { mappings } = (template as { template: { mappings: { properties: Readonly<Record<string, unknown>> } } })
    .template;
  return walk(mappings.properties, "");
}
