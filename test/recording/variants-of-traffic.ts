import { at } from "./actors.ts";
import { ERIN, GINA, HUGO, DANA } from "./people.ts";
import { person, sent } from "./sent.ts";
import { binding, clusterRole, named, rule } from "./setting.ts";
import { byKubectl, createdBy } from "./step.ts";
import type { Step } from "./step.ts";

const create = createdBy(ERIN);
const NGINX = "nginx.ingress.kubernetes.io/";
/** What closes the line of nginx's configuration that it is put into; the words behind it are no module's. */
const BREAKING_OUT = "http://auth.example/#;}\nexample_directive on;\n#";

const ingress = (name: string, annotations: object, path = "/"): object => ({
  ...named("Ingress", "networking.k8s.io/v1", name, "shop"),
  metadata: { name, namespace: "shop", annotations },
  spec: {
    tls: [{ hosts: ["shop.example"] }],
    rules: [
      {
        host: "shop.example",
        http: {
          paths: [
            {
              path,
              pathType: "ImplementationSpecific",
              backend: { service: { name: "inside", port: { number: 80 } } },
            },
          ],
        },
      },
    ],
  },
});

const INGRESSES: readonly Step[] = [
  create(
    "ingress-breaks-out",
    "T1190",
    "ingresses",
    ingress("asks-elsewhere", { [`${NGINX}auth-url`]: BREAKING_OUT }),
    ingress("mirrors-elsewhere", { [`${NGINX}mirror-target`]: BREAKING_OUT }),
  ),
  createdBy(GINA)(
    "path-breaks-out",
    "T1190",
    "ingresses",
    ingress("path-elsewhere", {}, '/x" {} example_directive on; #'),
  ),
  create(
    "ingress-keeps-in",
    "none",
    "ingresses",
    ingress("asks", { [`${NGINX}auth-url`]: "https://auth.example/oauth2/auth?allowed_groups=a" }),
    ingress("versions", { [`${NGINX}use-regex`]: "true" }, "/api/v[0-9]{1,2}/(.*)"),
  ),
  byKubectl(["ingress-annotated", "T1190", ERIN], "patch:ingresses", [
    "-n",
    "shop",
    "annotate",
    "ingress",
    "asks",
    `${NGINX}auth-method=GET;}\nexample_directive on;`,
  ]),
  byKubectl(["service-annotated", "none", ERIN], "patch:services", [
    "-n",
    "shop",
    "annotate",
    "service",
    "inside",
    `${NGINX}auth-url=${BREAKING_OUT}`,
  ]),
  byKubectl(["ingress-read", "none", ERIN], "get:ingresses", "-n shop get ingress asks-elsewhere -o json"),
];

const ADDRESSES = "/apis/networking.k8s.io/v1/ipaddresses";

const SERVICE_ADDRESSES: readonly Step[] = [
  create("addresses-for-services-added", "T1557", "servicecidrs", {
    ...named("ServiceCIDR", "networking.k8s.io/v1", "more"),
    spec: { cidrs: ["10.112.0.0/24"] },
  }),
  byKubectl(["addresses-for-services-read", "none", ERIN], "list:ipaddresses", "get ipaddresses"),
  {
    label: "address-of-service-freed",
    technique: "T1557",
    principal: ERIN,
    deeds: [],
    run: async ({ actors }) => {
      const service = await actors.look("/api/v1/namespaces/shop/services/inside");
      const address = String(at(service, "spec", "clusterIP"));
      return actors.send(actors.certificate(ERIN), "DELETE", `${ADDRESSES}/${address}`);
    },
  },
  byKubectl(
    ["addresses-for-services-removed", "T1489", ERIN],
    "delete:servicecidrs",
    "delete servicecidr more --wait=false",
  ),
];

const PRIORITIES: readonly Step[] = [
  create("requests-exempted", "T1499", "flowschemas", {
    ...named("FlowSchema", "flowcontrol.apiserver.k8s.io/v1", "first-of-all"),
    spec: {
      priorityLevelConfiguration: { name: "exempt" },
      matchingPrecedence: 2,
      rules: [
        {
          subjects: [{ kind: "User", user: { name: "mallory" } }],
          resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] }],
        },
      ],
    },
  }),
  byKubectl(["requests-starved", "T1499", ERIN], "patch:prioritylevelconfigurations", [
    "patch",
    "prioritylevelconfiguration",
    "workload-low",
    "--type=merge",
    "-p",
    '{"spec":{"limited":{"nominalConcurrencyShares":1}}}',
  ]),
  byKubectl(["priorities-read", "none", ERIN], "list:flowschemas", "get flowschemas"),
  byKubectl(["requests-no-longer-exempted", "T1499", ERIN], "delete:flowschemas", "delete flowschema first-of-all"),
];

const OTHERS: readonly Step[] = [
  byKubectl(
    ["image-of-running-pod-changed", "T1525", ERIN],
    "patch:pods",
    "-n kube-system set image pod/maintenance main=ghcr.example/acme/another:2",
  ),
  byKubectl(["running-pod-labelled", "none", ERIN], "patch:pods", "-n kube-system label pod maintenance tier=none"),
  create(
    "impersonation-of-one-verb",
    "T1098.006",
    "clusterroles",
    clusterRole("lists-as-others", [
      rule("authentication.k8s.io", "users", "impersonate:user-info"),
      rule("", "pods", "impersonate-on:user-info:list"),
    ]),
    binding("lists-as-others", "lists-as-others", { kind: "User", name: HUGO }),
  ),
  sent(
    ["lists-as-another", "T1078", HUGO],
    person(HUGO),
    ["GET", "/api/v1/namespaces/shop/pods", { headers: { "Impersonate-User": DANA } }],
    ["GET", "/api/v1/namespaces/shop/services", { headers: { "Impersonate-User": DANA } }],
  ),
];

/** What leads traffic and requests another way, and what is done in somebody else's name with one verb. */
export const TRAFFIC_VARIANTS: readonly Step[] = [...INGRESSES, ...SERVICE_ADDRESSES, ...PRIORITIES, ...OTHERS];
