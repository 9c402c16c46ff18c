/**
 * Makes control-loops.json from the bootstrap policy of the Kubernetes module:
 *
 *   go mod download -json k8s.io/kubernetes@v1.37.2   # prints Dir
 *   node packages/policy/catalogue/make-control-loops.ts DIR
 */
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const [, , folder = ""] = process.argv;
const testdata = join(folder, "plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata");
const users = new Set<string>();
for (const file of ["controller-role-bindings.yaml", "cluster-role-bindings.yaml", "namespace-role-bindings.yaml"]) {
  const text = readFileSync(join(testdata, file), "utf8");
  for (const [, name, namespace] of text.matchAll(/kind: ServiceAccount\n +name: (\S+)\n +namespace: (\S+)/g)) {
    users.add(`system:serviceaccount:${namespace}:${name}`);
  }
  for (const [, name = ""] of text.matchAll(/kind: User\n +name: (\S+)/g)) {
    users.add(name);
  }
}
writeFileSync(
  new URL("control-loops.json", import.meta.url),
  `${JSON.stringify(
    {
      origin: `k8s.io/${basename(folder)}, plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata (Apache-2.0), from the Go module proxy; made by make-control-loops.ts`,
      users: [...users].sort(),
    },
    undefined,
    2,
  )}\n`,
);
