import { AGENTS, forwarded } from "./actors.ts";
import type { Sent } from "./actors.ts";
import { FRANK, GINA, HUGO } from "./people.ts";
import { named } from "./setting.ts";
import { account, person, sent } from "./sent.ts";
import type { Call } from "./sent.ts";
import type { Step } from "./step.ts";

const ADMIN = "kubernetes-admin";
const BOT = "system:serviceaccount:ci:ci-bot";
const DEPLOYER = "system:serviceaccount:shop:deployer";
const BACKUP = "system:serviceaccount:kube-system:backup-operator";
/** Addresses for documentation (RFC 5737). */
const OFFICE = "198.51.100.30";
const RUNNER = "198.51.100.40";
const ELSEWHERE = ["203.0.113.90", "203.0.113.91"] as const;

const gina = person(GINA);
const bot = account("ci", "ci-bot");
const deployer = account("shop", "deployer");
const from = (address: string, agent: string): Sent => ({ headers: forwarded(address, agent) });
const as = (name: string): Sent => ({ headers: { "Impersonate-User": name } });
const OF_SHOP: Call = ["GET", "/api/v1/namespaces/shop/secrets/db-credentials"];
const PODS = "/api/v1/namespaces/shop/pods?limit=1";
/** There is none of that name: an exec is asked for, and reaches nothing. */
const ABSENT_POD = "/api/v1/namespaces/shop/pods/absent";
const ABSENT_DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/absent";
const OF_BOT = "/api/v1/namespaces/payments/configmaps?limit=1";

/** What the log gets to know of everybody before the week. */
export const BEFORE_THE_WEEK: readonly Step[] = [
  sent(["week-gina", "none", GINA], gina, ["GET", PODS, from(OFFICE, AGENTS.kubectl)]),
  sent(["week-bot", "none", BOT], bot, ["GET", OF_BOT, from(RUNNER, AGENTS.python)]),
  sent(["week-bot-secrets", "none", BOT], bot, ["GET", "/api/v1/namespaces/payments/secrets?limit=1"]),
  sent(["week-deployer", "none", DEPLOYER], deployer, OF_SHOP),
  sent(["week-deployer-lists", "none", DEPLOYER], deployer, ["GET", "/api/v1/namespaces/shop/secrets?limit=1"]),
  sent(["week-gina-gets", "none", GINA], gina, ["GET", `${ABSENT_POD}-1`, from(OFFICE, AGENTS.kubectl)]),
  sent(
    ["week-bot-reads-logs", "none", BOT],
    bot,
    ["GET", `${ABSENT_POD}-1/log`, from(RUNNER, AGENTS.python)],
    ["PATCH", ABSENT_DEPLOYMENT, { ...from(RUNNER, AGENTS.python), body: { metadata: { labels: { tier: "web" } } } }],
  ),
  sent(["week-admin-as", "none", ADMIN], person(ADMIN), ["GET", PODS, as(GINA)]),
];

/** The same again, which is known by now, and what is new. */
export const AFTER_THE_WEEK: readonly Step[] = [
  sent(["known-gina", "none", GINA], gina, ["GET", PODS, from(OFFICE, AGENTS.kubectl)]),
  sent(["known-bot", "none", BOT], bot, ["GET", OF_BOT, from(RUNNER, AGENTS.python)]),
  sent(["new-address-gina", "T1078", GINA], gina, ["GET", PODS, from(ELSEWHERE[0], AGENTS.kubectl)]),
  sent(["new-address-bot", "T1078", BOT], bot, ["GET", OF_BOT, from(ELSEWHERE[1], AGENTS.python)]),
  sent(["address-of-another", "T1078", DEPLOYER], deployer, ["GET", PODS, from(RUNNER, AGENTS.python)]),
  sent(["new-agent-gina", "T1078", GINA], gina, ["GET", PODS, from(OFFICE, AGENTS.python)]),
  sent(["new-agent-bot", "T1078", BOT], bot, ["GET", OF_BOT, from(RUNNER, AGENTS.kubectl)]),
  sent(["known-deed-elsewhere", "none", GINA], gina, [
    "GET",
    "/api/v1/namespaces/team-a/pods?limit=1",
    from(OFFICE, AGENTS.kubectl),
  ]),
  sent(["new-deed-gina", "T1552.007", GINA], gina, [
    "GET",
    "/api/v1/namespaces/shop/secrets?limit=1",
    from(OFFICE, AGENTS.kubectl),
  ]),
  sent(["new-deed-bot", "T1078", BOT], bot, [
    "POST",
    "/api/v1/namespaces/payments/configmaps",
    { ...from(RUNNER, AGENTS.python), body: { ...named("ConfigMap", "v1", "left-by-bot"), data: { a: "1" } } },
  ]),
  sent(["known-deed-on-another-pod", "none", GINA], gina, ["GET", `${ABSENT_POD}-2`, from(OFFICE, AGENTS.kubectl)]),
  sent(["new-exec-gina", "T1609", GINA], gina, [
    "GET",
    `${ABSENT_POD}-1/exec?command=id&stdout=true`,
    from(OFFICE, AGENTS.kubectl),
  ]),
  sent(["known-log-of-another-pod", "none", BOT], bot, ["GET", `${ABSENT_POD}-2/log`, from(RUNNER, AGENTS.python)]),
  sent(["new-pod-read-bot", "T1613", BOT], bot, ["GET", `${ABSENT_POD}-1`, from(RUNNER, AGENTS.python)]),
  sent(["new-scaling-bot", "T1078", BOT], bot, [
    "PATCH",
    `${ABSENT_DEPLOYMENT}/scale`,
    { ...from(RUNNER, AGENTS.python), body: { spec: { replicas: 9 } } },
  ]),
  sent(["first-of-hugo", "none", "administrator"], person("administrator"), [
    "GET",
    PODS,
    from(ELSEWHERE[0], AGENTS.curl),
  ]),
  sent(["known-reader", "none", DEPLOYER], deployer, OF_SHOP),
  sent(["known-lister", "none", DEPLOYER], deployer, ["GET", "/api/v1/namespaces/shop/secrets?limit=1"]),
  sent(["new-reader-gina", "T1552.007", GINA], gina, OF_SHOP),
  sent(["new-reader-bot", "T1552.007", BOT], bot, OF_SHOP),
  sent(["reader-refused", "T1552.007", HUGO], person(HUGO), OF_SHOP),
  sent(["other-secret-first-read", "none", GINA], gina, ["GET", "/api/v1/namespaces/payments/secrets/tls-internal"]),
  sent(["deployer-elsewhere", "T1552.007", DEPLOYER], deployer, ["GET", "/api/v1/namespaces/payments/secrets?limit=1"]),
  sent(["bot-lists-where-it-did", "none", BOT], bot, ["GET", "/api/v1/namespaces/payments/secrets/ledger-db"]),
  sent(["admin-as-again", "none", ADMIN], person(ADMIN), ["GET", PODS, as(GINA)]),
  sent(["frank-as-himself", "none", FRANK], person(FRANK), ["GET", PODS]),
  sent(["frank-as-gina", "T1078", FRANK], person(FRANK), ["GET", PODS, as(GINA)]),
  sent(["backup-as-gina", "T1078", BACKUP], account("kube-system", "backup-operator"), ["GET", PODS, as(GINA)]),
];
