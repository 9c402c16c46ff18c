import { AGENTS, at } from "./actors.ts";
import { ERIN, FRANK, GINA, HUGO, IDA } from "./people.ts";
import { named, podSpec } from "./setting.ts";
import { person, sent } from "./sent.ts";
import type { Call } from "./sent.ts";
import { byKubectl } from "./step.ts";
import type { Scene, Step } from "./step.ts";

const IMAGE = "ghcr.example/acme/toolbox:9";
const REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/** Commands in pods, what is deleted and evicted, and what nodes ask for: nearly what detections look for. */
export const NEAR_MISSES_OF_NODES: readonly Step[] = [
  byKubectl(
    ["exec-into-privileged", "T1611", ERIN],
    ["get:pods/exec", "create:pods/exec"],
    ["-n", "sandbox", "exec", "host-tools", "--", "sh", "-c", "# id"],
  ),
  byKubectl(
    ["attach-to-host-processes", "T1611", ERIN],
    ["get:pods/attach", "create:pods/attach"],
    "-n sandbox attach process-viewer",
  ),
  byKubectl(
    ["exec-into-plain", "T1609", ERIN],
    ["get:pods/exec", "create:pods/exec"],
    ["-n", "sandbox", "exec", "plain-tools", "--", "sh", "-c", "# id"],
  ),
  sent(["debug-containers-read", "none", ERIN], person(ERIN), [
    "GET",
    "/api/v1/namespaces/sandbox/pods/plain-tools/ephemeralcontainers",
  ]),
  byKubectl(["log-of-privileged", "none", ERIN], "get:pods/log", "-n sandbox logs host-tools"),
  sent(["exec-into-privileged-refused", "T1611", GINA], person(GINA), [
    "GET",
    "/api/v1/namespaces/sandbox/pods/host-tools/exec?command=id&stdout=true",
  ]),
  byKubectl(
    ["archive-listed", "none", ERIN],
    ["get:pods/exec", "create:pods/exec"],
    ["-n", "sandbox", "exec", "plain-tools", "--", "tar", "tvf", "/srv/a.tar"],
  ),
  sent(
    ["one-node-thrice", "none", FRANK],
    person(FRANK),
    ...["a", "b", "c"].map((value): Call => [
      "PATCH",
      "/api/v1/nodes/node-1",
      { body: { metadata: { labels: { "example.com/rack": value } } } },
    ]),
  ),
  evictions("nine-evicted", FRANK, 9),
  evictions("ten-evictions-refused", HUGO, 10),
  deletions("four-pods-deleted", IDA, 4),
  deletions("five-pods-deleted", ERIN, 5),
  deletions("one-pod-deleted-five-times", FRANK, 1, 5),
  sent(
    ["apiserver-asked-for", "none", "system:node:node-1"],
    person("system:node:node-1"),
    ...[
      { user: "kube-apiserver-kubelet-client", subresource: "proxy" },
      { user: "mallory", subresource: "metrics" },
    ].map(({ user, subresource }): Call => [
      "POST",
      REVIEWS,
      {
        headers: { "User-Agent": AGENTS.kubelet },
        body: {
          apiVersion: "authorization.k8s.io/v1",
          kind: "SubjectAccessReview",
          spec: {
            user,
            groups: ["system:authenticated"],
            resourceAttributes: { verb: "get", version: "v1", resource: "nodes", subresource, name: "node-1" },
          },
        },
      },
    ]),
  ),
  sent(["node-refused-a-deletion", "T1485", "system:node:node-1"], person("system:node:node-1"), [
    "DELETE",
    "/api/v1/namespaces/sandbox/configmaps/experiment-23",
    { headers: { "User-Agent": AGENTS.kubelet } },
  ]),
  mirror("mirror-in-a-full-namespace", "none", "full"),
  mirror("static-pod-accepted", "T1543.005", "sandbox"),
  byKubectl(["node-credential-in-kubectl", "T1552.001", "system:node:node-2"], "get:nodes", "get node node-2"),
  sent(["node-labels-itself", "none", "system:node:node-2"], person("system:node:node-2"), [
    "PATCH",
    "/api/v1/nodes/node-2",
    { headers: { "User-Agent": AGENTS.kubelet }, body: { metadata: { labels: { "example.com/zone": "a" } } } },
  ]),
];

function mirror(label: string, technique: string, namespace: string): Step {
  return {
    label,
    technique,
    principal: "system:node:node-2",
    deeds: [],
    note: "kwok has no static pods: the recording sends the mirror of one as a kubelet does",
    run: async ({ actors }) => {
      const uid = at(await actors.look("/api/v1/nodes/node-2"), "metadata", "uid");
      const metadata = {
        name: "agent-node-2",
        namespace,
        annotations: { "kubernetes.io/config.mirror": "9a1d6c2b8a7e4d3c9b0a1f2e3d4c5b6b" },
        ownerReferences: [{ apiVersion: "v1", kind: "Node", name: "node-2", uid, controller: true }],
      };
      const body = { apiVersion: "v1", kind: "Pod", metadata, spec: { ...podSpec(IMAGE), nodeName: "node-2" } };
      const headers = { "User-Agent": AGENTS.kubelet };
      const path = `/api/v1/namespaces/${namespace}/pods`;
      return actors.send(actors.certificate("system:node:node-2"), "POST", path, { headers, body });
    },
  };
}

async function herd({ actors }: Scene): Promise<readonly string[]> {
  const list = await actors.look("/api/v1/namespaces/sandbox/pods?labelSelector=app%3Dherd");
  const pods = (at(list, "items") as readonly unknown[] | undefined) ?? [];
  const alive = pods.filter((one) => at(one, "metadata", "deletionTimestamp") === undefined);
  return alive.map((one) => String(at(one, "metadata", "name")));
}

function evictions(label: string, principal: string, count: number): Step {
  return {
    label,
    technique: "T1489",
    principal,
    deeds: [],
    run: async (scene) => {
      for (const name of (await herd(scene)).slice(0, count)) {
        const path = `/api/v1/namespaces/sandbox/pods/${name}/eviction`;
        const body = named("Eviction", "policy/v1", name, "sandbox");
        await scene.actors.send(scene.actors.certificate(principal), "POST", path, { body });
      }
      return undefined;
    },
  };
}

function deletions(label: string, principal: string, count: number, each = 1): Step {
  return {
    label,
    technique: "T1489",
    principal,
    deeds: [],
    run: async (scene) => {
      for (const name of (await herd(scene))
        .slice(0, count)
        .flatMap((one) => Array.from({ length: each }, () => one))) {
        await scene.actors.send(
          scene.actors.certificate(principal),
          "DELETE",
          `/api/v1/namespaces/sandbox/pods/${name}`,
        );
      }
      return undefined;
    },
  };
}
