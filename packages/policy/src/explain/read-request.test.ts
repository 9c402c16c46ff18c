import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { diffPolicies } from "../diff/diff-policies.ts";
import { randomPolicy } from "../diff/random-policy.suite.ts";
import { LIKELIHOOD, likelihoodOf } from "../request-class/likelihood.ts";
import { writeKubectl } from "../request-class/write-kubectl.ts";
import { writeRequest } from "../request-class/write-request.ts";
import type { AskedRequest } from "./asked-request.ts";
import { readRequest } from "./read-request.ts";

/** `verb group/resource/subresource namespace name`, with a dash for what is empty. */
function short({ request }: AskedRequest): string {
  const { verb, apiGroup, resource, subresource, namespace, name, isResourceRequest, path } = request;
  if (!isResourceRequest) {
    return `${verb} ${path}`;
  }
  const type = [apiGroup || "-", resource, ...(subresource === "" ? [] : [subresource])].join("/");
  return [verb || "-", type, namespace || "-", name || "-"].join(" ");
}

describe("readRequest()", () => {
  test.each([
    ["kubectl get secrets", "list -/secrets default -"],
    ["kubectl get secrets -A", "list -/secrets - -"],
    ["kubectl -n prod get secret db -o yaml", "get -/secrets prod db"],
    ["kubectl get secret/db --namespace=prod", "get -/secrets prod db"],
    ["kubectl get pods,svc -nprod", "list -/pods prod -", "list -/services prod -"],
    ["kubectl get pods a b", "get -/pods default a", "get -/pods default b"],
    ["kubectl get po -w", "list -/pods default -", "watch -/pods default -"],
    ["kubectl get pods --watch-only", "watch -/pods default -"],
    ["kubectl get pods --field-selector metadata.name=web", "list -/pods default web"],
    ["kubectl get nodes -n prod", "list -/nodes - -"],
    ["kubectl get ns", "list -/namespaces - -"],
    ["kubectl get ns prod", "get -/namespaces prod prod"],
    ["kubectl delete ns foo", "delete -/namespaces foo foo"],
    ["kubectl get deploy web --subresource=scale", "get apps/deployments/scale default web"],
    ["kubectl get deployments.v1.apps", "list apps/deployments default -"],
    ["kubectl get widgets.example.com", "list example.com/widgets default -"],
    ["kubectl get --raw /healthz", "get /healthz"],
    ["kubectl get all -n x --show-labels", "list -/pods x -", "list -/replicationcontrollers x -"],
    ["kubectl create deployment x --image=y", "create apps/deployments default -"],
    ["kubectl create secret generic db --from-literal a=b", "create -/secrets default -"],
    ["kubectl create clusterrolebinding x --clusterrole=y", "create rbac.authorization.k8s.io/clusterrolebindings - -"],
    ["kubectl create ns foo", "create -/namespaces - -"],
    ["kubectl create token robot -n prod", "create -/serviceaccounts/token prod robot"],
    ["kubectl run web --image nginx", "create -/pods default -"],
    ["kubectl exec -n prod web -- sh -c 'cat /etc/x'", "get -/pods/exec prod web"],
    ["kubectl exec -it deploy/web -- sh", "get -/pods/exec default web"],
    ["kubectl cp prod/web:/etc/passwd .", "get -/pods/exec prod web"],
    ["kubectl attach web -it", "get -/pods/attach default web"],
    ["kubectl port-forward svc/web 8080:80", "get -/pods/portforward default web"],
    ["kubectl logs -f web -c app --tail 5", "get -/pods/log default web"],
    ["kubectl debug web -it --image busybox", "patch -/pods/ephemeralcontainers default web"],
    ["kubectl debug node/n1 --image busybox", "create -/pods default -"],
    ["kubectl edit cm settings", "patch -/configmaps default settings"],
    ["kubectl patch svc web -p '{}'", "patch -/services default web"],
    ["kubectl scale deploy/web --replicas 3", "patch apps/deployments/scale default web"],
    ["kubectl label ns prod a=b c-", "patch -/namespaces prod prod"],
    ["kubectl set image deploy/web app=x", "patch apps/deployments default web"],
    ["kubectl rollout restart deploy/web", "patch apps/deployments default web"],
    ["kubectl cordon n1", "patch -/nodes - n1"],
    ["kubectl drain n1 --ignore-daemonsets", "create -/pods/eviction default example"],
    ["kubectl delete pods --all -n x", "delete -/pods x example"],
    ["kubectl auth can-i create pods", "create authorization.k8s.io/selfsubjectaccessreviews - -"],
    ["kubectl auth can-i --list", "create authorization.k8s.io/selfsubjectrulesreviews - -"],
    ["kubectl auth whoami", "create authentication.k8s.io/selfsubjectreviews - -"],
    ["kubectl certificate approve x", "update certificates.k8s.io/certificatesigningrequests/approval - x"],
    ["kubectl top pods", "list metrics.k8s.io/pods default -"],
    ["kubectl version", "get /version"],
    ["kubectl api-resources", "get /api", "get /apis"],
    ["GET /api/v1/namespaces/x/secrets", "list -/secrets x -"],
    ["GET https://10.0.0.1:6443/api/v1/secrets?watch=true", "watch -/secrets - -"],
    ["HEAD /api/v1/nodes/n1", "get -/nodes - n1"],
    ["POST /apis/apps/v1/namespaces/x/deployments", "create apps/deployments x -"],
    ["DELETE /api/v1/namespaces/x/pods", "deletecollection -/pods x -"],
    ["DELETE /api/v1/namespaces/x/pods/web", "delete -/pods x web"],
    ["OPTIONS /api/v1/pods", "- -/pods - -"],
    ["GET /api/v1/watch/pods", "watch -/pods - -"],
    ["POST /logs", "post /logs"],
    ["list /api/v1/secrets", "list -/secrets - -"],
    ["deletecollection /api/v1/namespaces/x/pods", "deletecollection -/pods x -"],
  ])("%s", (line, ...wanted) => {
    const read = readRequest([line]);
    const requests = read.outcome === "understood" ? read.requests.filter(({ isMain }) => isMain).map(short) : [];
    expect(requests.slice(0, wanted.length)).toEqual(wanted);
    expect(readRequest(line.replaceAll(/'[^']*'/g, "x").split(" ")).outcome).toBe("understood");
  });

  test.each<[string, RegExp, RegExp]>([
    ["", /there is none/, /kubectl get secrets/],
    ["helm install x", /begins with "helm"/, /kubectl command/],
    ["kubectl", /no command/, /kubectl get secrets/],
    ["kubectl gett pods", /kubectl gett is not known/, /Did you mean kubectl get\?/],
    ["kubectl get", /kubectl get is understood, but there is no type/, /kubectl get secrets/],
    ["kubectl get sekrets", /no type "sekrets"/, /Did you mean secrets\?/],
    ["kubectl get widgets", /no type "widgets"/, /widgets\.GROUP/],
    ["kubectl apply -f x.yaml", /stands in a file/, /kubectl patch TYPE NAME/],
    ["kubectl delete -f x.yaml", /stands in a file/, /PATCH/],
    ["kubectl get pods --frob", /what --frob means/, /--frob=VALUE/],
    ["kubectl get pods -n", /-n has no value/, /-n=VALUE/],
    ["kubectl exec", /there is no pod/, /kubectl exec web/],
    ["kubectl get --raw healthz", /"healthz" is no path/, /\/healthz/],
    ["GET pods", /begins with "GET"/, /GET \/api/],
    ["GET /api/v1/pods and more", /but not what follows: and more/, /quote/],
    ["kubectl get 'pods", /a quote is left open/, /Close it/],
  ])("refuses %s and says what is understood", (line, what, hint) => {
    const read = readRequest(line.includes("'") || line.includes(" ") ? [line] : [line]);
    expect(read.outcome).toBe("refused");
    if (read.outcome === "refused") {
      expect(read.problem.message).toMatch(what);
      expect(read.problem.hint).toMatch(hint);
    }
  });

  test.each([
    ["kubectl get pods --as alice", "alice", 0],
    ["kubectl exec web -- sh --as alice", "alice", 2],
    ["kubectl exec web -- sh --as=alice", "alice", 2],
    ["kubectl get pods", undefined, 0],
  ])("%s impersonates %s", (line, impersonated, notes) => {
    expect(readRequest([line])).toMatchObject({ impersonated, notes: { length: notes } });
  });

  test("reads what writeKubectl() writes as the request that it was written for", () => {
    fc.assert(
      fc.property(randomPolicy, randomPolicy, (older, newer) => {
        for (const { witness } of diffPolicies(older, newer).changes) {
          const { kubectl, request } = witness;
          if (kubectl !== undefined) {
            const read = readRequest([kubectl]);
            const [main] = read.outcome === "understood" ? read.requests.filter(({ isMain }) => isMain) : [];
            const { apiVersion: _version, path, user: _user, ...wanted } = request;
            expect(main?.request, kubectl).toMatchObject(request.isResourceRequest ? wanted : { ...wanted, path });
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test("writes a kubectl command only for requests that are served", () => {
    const request = {
      user: undefined,
      verb: "list",
      isResourceRequest: true,
      apiGroup: "",
      apiVersion: "v1",
      resource: "deployments",
      subresource: "",
      namespace: "x",
      name: "",
      path: "",
    };
    expect([likelihoodOf(request), writeKubectl(request)]).toEqual([LIKELIHOOD.odd, undefined]);
    expect(writeRequest(request)?.uri).toBe("/api/v1/namespaces/x/deployments");
    expect(writeKubectl({ ...request, apiGroup: "apps" })).toBe("kubectl get deployments.apps -n x");
  });
});
