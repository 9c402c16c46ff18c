import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Contender } from "./contender.ts";
import { ROOT, WORK } from "./work.ts";

const HERE = join(ROOT, "benchmarks");
const PYTHON = join(WORK, "python/bin/python");
const LIBRARIES = ["orjson", "pysimdjson", "duckdb", "chdb", "polars"] as const;
const DEBIAN = { jq: "jq", mlr: "miller", rg: "ripgrep", gawk: "gawk" } as const;

/** Installs what the registries have; what cannot be had is left out and the report says so. A few minutes the first time. */
export function installPeers(): void {
  const debian = Object.entries(DEBIAN).filter(([command]) => !isThere(command));
  if (debian.length > 0) {
    run(`apt-get install -y -qq ${debian.map(([, name]) => name).join(" ")}`);
  }
  if (!existsSync(PYTHON)) {
    run(`python3 -m venv ${join(WORK, "python")}`);
  }
  for (const library of LIBRARIES) {
    if (pythonVersion(library) === undefined) {
      run(`${PYTHON} -m pip install -q ${library}`);
    }
  }
  if (!existsSync(jaqPath())) {
    run(`cargo install jaq --version 3.1.0 --locked --root ${join(WORK, "cargo")}`);
  }
  if (!existsSync(benthosPath())) {
    run(`cd ${join(HERE, "peers/benthos")} && go build -o ${benthosPath()} .`);
  }
}

/** The peers in the versions that are installed. Each does the job of common-job.policy.yaml on the fields of the event. */
export function peers(): readonly Contender[] {
  writeFileSync(join(WORK, "benthos.yaml"), BENTHOS);
  writeFileSync(join(WORK, "job.jq"), JQ);
  writeFileSync(join(WORK, "job.mlr"), MILLER);
  return [
    peer("jq", versionOf("jq --version"), (log, out) => `jq -c -f ${WORK}/job.jq ${log} > ${out}`),
    peer("jaq", versionOf(`${jaqPath()} --version`), (log, out) => `${jaqPath()} -c -f ${WORK}/job.jq ${log} > ${out}`),
    peer(
      "benthos core",
      existsSync(benthosPath()) ? "4.78.0" : undefined,
      (log, out) => `GOMAXPROCS=1 LOG=${log} OUT=${out} ${benthosPath()} run ${WORK}/benthos.yaml`,
    ),
    ...LIBRARIES.map((library) =>
      peer(
        library,
        pythonVersion(library),
        (log, out) => `POLARS_MAX_THREADS=1 ${PYTHON} ${join(HERE, "peers.py")} ${library} ${log} ${out}`,
      ),
    ),
    peer(
      "Miller",
      versionOf("mlr --version"),
      (log, out) => `GOMAXPROCS=1 mlr --ijsonl --ojsonl put -f ${WORK}/job.mlr ${log} > ${out}`,
    ),
    {
      ...peer("ripgrep", versionOf("rg --version"), (log, out) => `rg -j1 -N --no-config -v '${TEXT}' ${log} > ${out}`),
      remark: "unsafe: matches text wherever it stands; drops impersonated requests too",
    },
    {
      ...peer(
        "gawk",
        versionOf("gawk --version"),
        (log, out) => `LC_ALL=C gawk '!/${TEXT}/ || /"impersonatedUser":/' ${log} > ${out}`,
      ),
      remark: "unsafe: matches text wherever it stands",
    },
  ];
}

function peer(name: string, version: string | undefined, command: Contender["command"]): Contender {
  return {
    name,
    kind: "peer",
    version,
    command,
    ...(SLOW.has(name) ? { isSlow: true } : {}),
    ...(version === undefined ? { missing: "could not be installed here" } : {}),
  };
}

const SLOW: ReadonlySet<string> = new Set(["jq", "jaq", "benthos core", "polars", "Miller"]);

function jaqPath(): string {
  return join(WORK, "cargo/bin/jaq");
}

function benthosPath(): string {
  return join(WORK, "benthos");
}

function pythonVersion(library: string): string | undefined {
  return versionOf(`${PYTHON} -c "import importlib.metadata as m; print(m.version('${library}'))"`);
}

function versionOf(command: string): string | undefined {
  const { status, stdout } = spawnSync("bash", ["-c", command], { encoding: "utf8" });
  return status === 0 ? /\d+(?:\.\d+)+/.exec(stdout)?.[0] : undefined;
}

function isThere(command: string): boolean {
  return spawnSync("bash", ["-c", `command -v ${command}`]).status === 0;
}

function run(command: string): void {
  console.log(command);
  const { status } = spawnSync("bash", ["-c", command], { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) {
    console.log("  failed: left out");
  }
}

const JQ = `select((
  (.impersonatedUser == null)
  and ((.user.username // "" | . == "system:apiserver" or . == "system:kube-controller-manager" or . == "system:kube-scheduler")
    or ((.user.groups // []) | any(. == "system:nodes" or . == "system:serviceaccounts:kube-system")))
  and ((.verb | . == "get" or . == "list" or . == "watch")
    or (.objectRef.resource // "" | . == "leases" or . == "endpoints" or . == "endpointslices" or . == "events"))
) | not)
`;

const MILLER = `user = $user["username"] ?? "";
verb = $verb ?? "";
resource = $objectRef["resource"] ?? "";
is_known = user == "system:apiserver" || user == "system:kube-controller-manager" || user == "system:kube-scheduler"
  || any($user["groups"] ?? [], func(g) {return g == "system:nodes" || g == "system:serviceaccounts:kube-system"});
is_noise = verb == "get" || verb == "list" || verb == "watch"
  || resource == "leases" || resource == "endpoints" || resource == "endpointslices" || resource == "events";
filter !(is_absent($impersonatedUser) && is_known && is_noise);
`;

const VERB = '"verb":"(get|list|watch)"';
const USER =
  '("username":"system:(apiserver|kube-controller-manager|kube-scheduler)"|"system:nodes"|"system:serviceaccounts:kube-system")';
const RESOURCE = '"resource":"(leases|endpoints|endpointslices|events)"';
/** Both texts somewhere on the line: what a shell one-liner does. */
const TEXT = `${VERB}.*${USER}|${USER}.*${RESOURCE}`;

const BENTHOS = `
input:
  file: {paths: ["\${LOG}"], scanner: {lines: {max_buffer_size: 67108864}}}
pipeline:
  threads: 1
  processors:
  - mapping: |
      let user = this.user.username.or("")
      let groups = this.user.groups.or([])
      let known = ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"].contains($user) || $groups.contains("system:nodes") || $groups.contains("system:serviceaccounts:kube-system")
      let noise = ["get", "list", "watch"].contains(this.verb) || ["leases", "endpoints", "endpointslices", "events"].contains(this.objectRef.resource.or(""))
      root = if this.exists("impersonatedUser") || !$known || !$noise { content() } else { deleted() }
output:
  file: {path: "\${OUT}", codec: lines}
logger: {level: "ERROR"}
http: {enabled: false}
shutdown_delay: 0s
`;
