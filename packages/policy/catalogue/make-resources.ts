/**
 * Makes resources.json from the API discovery data of the Kubernetes module, one folder a version:
 *
 *   go mod download -json k8s.io/kubernetes@v1.37.2   # prints Dir
 *   node packages/policy/catalogue/make-resources.ts DIR/of/v1.29.0 … DIR/of/v1.37.2
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Served {
  readonly verbs: readonly string[];
  readonly namespaced: boolean;
  readonly in: string[];
}

const folders = process.argv.slice(2);
const modules = folders.map((folder) => /@(v(\d+\.\d+)\.\d+)$/.exec(folder));
const versions = modules.map((match) => match?.[2] ?? "");
const groups = new Map<string, Map<string, Served>>();

for (const [index, folder] of folders.entries()) {
  const discovery = join(folder, "api/discovery");
  for (const file of readdirSync(discovery).filter((name) => /^apis?__.*v\d+[a-z0-9]*\.json$/.test(name))) {
    const list = JSON.parse(readFileSync(join(discovery, file), "utf8")) as {
      readonly groupVersion: string;
      readonly resources: readonly {
        readonly name: string;
        readonly namespaced: boolean;
        readonly verbs: readonly string[];
      }[];
    };
    const group = list.groupVersion.includes("/") ? (list.groupVersion.split("/")[0] ?? "") : "";
    const resources = groups.get(group) ?? new Map<string, Served>();
    groups.set(group, resources);
    for (const { name, namespaced, verbs } of list.resources) {
      const known = resources.get(name)?.in ?? [];
      const version = versions[index] ?? "";
      resources.set(name, { namespaced, verbs, in: known.includes(version) ? known : [...known, version] });
    }
  }
}

const lines = [...groups]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([group, resources]) => {
    const entries = [...resources]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, served]) => {
        const since = served.in[0] === versions[0] ? {} : { since: served.in[0] };
        const until = served.in.at(-1) === versions.at(-1) ? {} : { until: served.in.at(-1) };
        const facts = { namespaced: served.namespaced, verbs: served.verbs.join(" "), ...since, ...until };
        return `      ${JSON.stringify(name)}: ${JSON.stringify(facts)}`;
      });
    return `    ${JSON.stringify(group)}: {\n${entries.join(",\n")}\n    }`;
  });

writeFileSync(
  new URL("resources.json", import.meta.url),
  `{
  "origin": "k8s.io/kubernetes, api/discovery/*.json (Apache-2.0), from the Go module proxy; made by make-resources.ts",
  "modules": ${JSON.stringify(modules.map((match) => match?.[1] ?? ""))},
  "versions": ${JSON.stringify(versions)},
  "groups": {
${lines.join(",\n")}
  }
}
`,
);
