import type { JsonValue } from "@auditsieve/audit";
import type { Dice } from "./line-mutator.suite.ts";

/** Bodies as they are spelled, those that say most first: of kubelets, of schedulers, and of nobody who means well. */
const BODIES: readonly string[] = [
  `{"status":{"hostIP":"10.0.0.1","podIP":"10.1.0.1","podIPs":[{"ip":"10.1.0.1"},{"ip":"fd00::1"}]}}`,
  `{"status":{"podIP":"10.1.0.2","podIPs":[{"ip":"10.1.0.2"}]}}`,
  `{"kind":"Binding","metadata":{"name":"podIP"},"target":{"kind":"Node","name":"n1"}}`,
  `{"target":{"kind":"Node","name":"n2"},"status":{"phase":"Running"}}`,
  `{"st\\u0061tus":{"pod\\u0049P":"10.1.0.3"},"t\\u0061rget":{"n\\u0061me":"\\u006e3"}}`,
  `{"status":{"podIP":"10.1.0.4","podIP":"10.1.0.5"},"status":{"podIP":"10.1.0.6"},"target":{"name":"n4"},"target":{"name":"n5"}}`,
  `{"a":"}{\\"status\\":{\\"podIP\\":\\"10.9.0.1\\"}","status":{"nested":{"podIP":"10.9.0.2"},"podIPs":[{"ip":""},null,{"ip":7},[]]},"target":{"name":7}}`,
  `{"status":{"podIP":"é\\n","podIPs":{"ip":"10.1.0.7"}},"target":["name"]}`,
  `{"status":"podIP","target":"name"}`,
  `[{"status":{"podIP":"10.1.0.8"}}]`,
  `{}`,
  `null`,
  `{"status":{${Array.from({ length: 12 }, (_, n) => `"k${n}":{"podIP":"10.9.1.${n}"}`).join(",")},"podIPs":[${Array.from({ length: 12 }, (_, n) => `{"ip":"10.2.0.${n}"}`).join(",")}]}}`,
  `{${Array.from({ length: 1100 }, (_, n) => `"k${n}":1`).join(",")},"status":{"podIP":"10.1.0.9"},"target":{"name":"n6"}}`,
  '{"kind":"DeleteOptions","apiVersion":"v1","dryRun":["All"]}',
];

/** Specs of pods that are made: of nobody who is looked at, of those who are, and what is none. */
const SPECS: readonly string[] = [
  `{"containers":[{"name":"a","image":"i:1"}],"serviceAccountName":"web"}`,
  `{"containers":[{"name":"a","image":"i:1"}],"serviceAccountName":"db","volumes":[{"name":"v","emptyDir":{}}]}`,
  `{"containers":[{"name":"a","securityContext":{"privileged":true}}],"hostPID":true}`,
  `{"containers":[{"name":"a"}],"volumes":[{"hostPath":{"path":"/"}}],"hostNetwork":true}`,
  `{"nodeName":"n1","containers":[{"name":"a"}],"hostIPC":true}`,
  `{"c\\u006fntainers":[{"name":"a","securityContext":{"privil\\u0065ged":true}}]}`,
  `{"containers":[{"name":"a"}],"containers":[],"nodeName":null}`,
  `{"containers":"a","x":"{\\"nodeName\\":1}"}`,
  `null`,
];

/** What is written when a pod is made, the answer with a name of its own where the request has none. */
function madeOf(dice: Dice, name: string): string {
  const pod = (given: string): string =>
    `{"kind":"Pod","metadata":{${given},"annotations":{${dice.below(8) === 0 ? `"kubernetes.io/config.mirror":"x"` : ""}}},"spec":${dice.below(3) > 0 ? SPECS[0] : dice.of(SPECS)}}`;
  const request = `"requestObject":${pod(`"generateName":"web-"`)},`;
  const answer = `"responseObject":${pod(`"name":"${name}","uid":"u-${dice.below(9)}"`)},`;
  return dice.of([request + answer, request + answer, request + answer, request, answer, answer + request, ""]);
}

/** What stands in the place of a requestObject, with or without an answer behind it that says something else. */
function bodiesOf(dice: Dice): string {
  const answer = `"responseObject":{"status":{"podIP":"10.8.0.1"},"target":{"name":"n8"}}`;
  const request = `"requestObject":${dice.below(2) === 0 ? BODIES[dice.below(4)] : dice.of(BODIES)}`;
  return dice.of([`${request},`, `${request},${answer},`, `${request},"responseObject":null,`, `${answer},`, ""]);
}

/** Who asks: each has the same head whenever it asks for the same. */
interface Actor {
  readonly username: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

function actor(username: string, id: string, groups: readonly string[], extra: Actor["extra"] = {}): Actor {
  return {
    username,
    groups: [...groups, "system:authenticated"],
    extra: { "authentication.kubernetes.io/credential-id": [id], ...extra },
  };
}

const SCHEDULER = actor("system:kube-scheduler", "X509SHA256=1", []);
const COLLECTOR = actor("system:serviceaccount:kube-system:generic-garbage-collector", "JTI=1", [
  "system:serviceaccounts",
  "system:serviceaccounts:kube-system",
]);
/** Whose requests hit. */
const TOOL = actor("system:serviceaccount:shop:web", "JTI=tool", [
  "system:serviceaccounts",
  "system:serviceaccounts:shop",
]);
const KUBELETS = ["n1", "n2"].map((node) => actor(`system:node:${node}`, `X509SHA256=${node}`, ["system:nodes"]));

/**
 * Lines as an apiserver writes them about the lives of few pods: made, bound, running, deleted, in any order, with all that a body may say; and
 * of those who use the pods' tokens, which what is known of the pods is asked about.
 */
export function podLines(dice: Dice, count: number): readonly Buffer[] {
  let time = Date.parse("2026-11-24T12:00:00Z");
  return Array.from({ length: count }, (_, i) => {
    time += dice.of([0, 1, 20, 20, 1000, 90_000]);
    const name = dice.of(["web-1", "web-2", "web-3", "a", "web-4.x-y", "é", "a\\u0062"]);
    const uri = `/api/v1/namespaces/shop/pods/${name.startsWith("web") ? name : "web-1"}`;
    const auditID = dice.of([`${time}-${i}`, "same", "0".repeat(dice.below(80))]);
    const isBare = dice.below(5) === 0;
    const event = (who: Actor, verb: string, path: string, ref: JsonValue, all: string): string => {
      const [level, bodies] = isBare ? ["Metadata", ""] : ["RequestResponse", all];
      return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"${level}","auditID":"${auditID}","stage":"ResponseComplete","requestURI":"${path}","verb":"${verb}","user":${JSON.stringify(who)},"sourceIPs":["${dice.below(4) === 0 ? "10.1.0.1" : "10.0.0.1"}"],"userAgent":"${who === TOOL ? "kubectl/v1.30.0" : "x/1"}"${ref === null ? "" : `,"objectRef":${JSON.stringify(ref).replace("NAME", () => name)}`},"responseStatus":{"metadata":{},"code":200},${bodies}"requestReceivedTimestamp":"${at(time)}","stageTimestamp":"${at(time + dice.of([0, 0, 1, 70_000]))}","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}`;
    };
    const pod = (subresource?: string): JsonValue => ({
      resource: "pods",
      namespace: "shop",
      name: "NAME",
      apiVersion: "v1",
      ...(subresource !== undefined && { subresource }),
    });
    switch (dice.below(18)) {
      case 0:
      case 1:
      case 2:
        return Buffer.from(event(dice.of(KUBELETS), "patch", `${uri}/status`, pod("status"), bodiesOf(dice)));
      case 3:
      case 4:
      case 5:
        return Buffer.from(event(SCHEDULER, "create", `${uri}/binding`, pod("binding"), bodiesOf(dice)));
      case 6:
      case 7:
      case 8:
        return Buffer.from(
          event(COLLECTOR, "delete", uri + (dice.below(8) === 0 ? "?dryRun=All" : ""), pod(), bodiesOf(dice)),
        );
      case 9:
        return Buffer.from(event(SCHEDULER, "deletecollection", "/api/v1/namespaces/shop/pods", pod(), ""));
      case 10:
      case 11:
      case 12:
        return Buffer.from(
          event(
            COLLECTOR,
            "create",
            `/api/v1/namespaces/shop/pods${dice.of(["", "", "", "?fieldManager=a\\u0026x=1", "?dryRun=All"])}`,
            { resource: "pods", namespace: "shop", apiVersion: "v1" },
            madeOf(dice, name),
          ),
        );
      case 13:
      case 14:
        return Buffer.from(event(TOOL, "get", `${uri}/log?container=${name.slice(0, 5)}`, pod("log"), ""));
      case 15:
        return Buffer.from(event(TOOL, "patch", uri, pod(), bodiesOf(dice)));
      default: {
        const user = actor(
          "system:serviceaccount:shop:web",
          `JTI=${name}`,
          ["system:serviceaccounts", "system:serviceaccounts:shop"],
          { "authentication.kubernetes.io/pod-name": [dice.of(["web-1", "web-2"])] },
        );
        return Buffer.from(event(user, "get", "/api/v1/nodes/n1", { resource: "nodes", name: "n1" }, ""));
      }
    }
  });
}

function at(time: number): string {
  return new Date(time).toISOString().replace("Z", "123Z");
}
