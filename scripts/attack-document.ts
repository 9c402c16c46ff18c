/** docs/attack.md: which detection finds which recorded deed, what policies lose, and what else is found. */
import type { AuditEvent } from "../packages/audit/src/index.ts";
import { coverDetection } from "../packages/cli/src/commands/policy-coverage.ts";
import type { Finding } from "../packages/detect/src/index.ts";
import type { Coverage } from "../packages/policy/src/index.ts";
import {
  attackSteps,
  findIn,
  foundBy,
  lineageSteps,
  loadPack,
  readData,
  readLog,
  readPolicy,
  unlabelled,
  writtenUnder,
} from "./attack-logs.ts";
import type { Meant, Pack, Step } from "./attack-logs.ts";

export const POLICIES = ["nsa-ctr", "forensic", "hardened", "tiered"] as const;
const SEVERITIES = ["informational", "low", "medium", "high", "critical"];
/** Most distinct pairs of detection and actor of medium or higher severity that a log without an attack may show. */
const MOST_PAIRS = 20;

/** A detection meant for a step that a policy takes away. */
export interface Lost {
  readonly label: string;
  readonly detection: string;
}

export function attackDocument(): string {
  const pack = loadPack();
  const attack = readLog("attack");
  const lineage = readLog("lineage");
  const found = findIn(attack, pack.documents);
  const steps = attackSteps();
  const { attack: meant, lineage: meantLineage } = readMeant();
  return `# What is found of the recorded attacks

Written by \`node scripts/make-attack-doc.ts\` from samples/ and docs/data; a test writes it again and compares. Detections are named by their
files under profiles/detections.

## The attack log
${steps.length} labelled steps. *Meant* is what the step should be found by, *also* what else finds one of its deeds. The technique is
the recording's own label, of an ATT&CK before 19: T1562 is T1685 or T1686 today, as the detections have it.

${stepTable(steps, meant, found, pack)}
### Under a policy
The log as the apiserver would have written it under each policy: what is lost, and what \`policy coverage\` says of that detection.

${lostTable(attack, steps, meant, pack)}
## The lineage log
${lineageSteps().length} labelled steps: one chain from a stolen certificate over a pod, its token and a second token to a certificate of the attacker's own, then
deeds one by one. Steps called harmless are near misses, recorded on purpose.

${stepTable(lineageSteps(), meantLineage, findIn(lineage, pack.documents), pack)}
## Findings without an attack
Each pair of detection and actor, of medium or higher severity, with the reason; no detection makes an exception for an administrator or for
the apiserver only to keep it silent. At most ${MOST_PAIRS} pairs each.

### The quiet log
By itself, as its sample is. Replayed with the startup before it, three findings of medium follow from that: the first uses of two tokens and of a binding
that the administrator had just made. They stand under the working day, marked 0, for coredns and prometheus.

${otherTable("quiet", findIn(readLog("quiet"), pack.documents), pack, "informational")}
### The working day
The two minutes of it in samples/. Pairs that are marked 0 are not in these, but in the whole recorded log (twenty minutes, startup and quiet phases before
the day), which shows no other ones after its startup.

${otherTable("working-day", findIn(readLog("working-day"), pack.documents), pack, "medium")}
### The attack log beside its labels, after the startup
${otherTable("attack", unlabelled(found, steps, "rest"), pack, "medium")}
### The startup
An apiserver that starts for the first time, and an administrator who sets the cluster up.

${otherTable("startup", unlabelled(found, steps, "startup"), pack, "medium")}`;
}

export function readMeant(): Readonly<Record<"attack" | "lineage", Readonly<Record<string, Meant>>>> {
  return readData("steps") as Record<"attack" | "lineage", Record<string, Meant>>;
}

/** What of the meant detections no longer finds its step when the log was written under the policy. */
export function lostUnder(
  policy: string,
  events: readonly AuditEvent[],
  steps: readonly Step[],
  meant: Readonly<Record<string, Meant>>,
  pack: Pack,
): readonly Lost[] {
  const findings = findIn(writtenUnder(readPolicy(policy), events), pack.documents);
  return steps.flatMap((step) => {
    const names = foundBy(step, findings, pack);
    return namesOf(meant[step.label])
      .filter((name) => !names.has(name))
      .map((detection) => ({ label: step.label, detection }));
  });
}

/** The names that a step should be found by; none where there is a reason. */
export function namesOf(meant: Meant | undefined): readonly string[] {
  return typeof meant === "string" ? [] : (meant ?? []);
}

function stepTable(
  steps: readonly Step[],
  meant: Readonly<Record<string, Meant>>,
  findings: readonly Finding[],
  pack: Pack,
): string {
  const rows = steps.map((step, index) => {
    const names = foundBy(step, findings, pack);
    const wanted = meant[step.label];
    if (wanted === undefined) {
      throw new Error(`docs/data/steps.yml does not say what finds the step "${step.label}"`);
    }
    const missing = namesOf(wanted).filter((name) => !names.has(name));
    if (missing.length > 0) {
      throw new Error(`the step "${step.label}" is not found by ${missing.join(", ")}`);
    }
    const also = [...names].filter((name) => !namesOf(wanted).includes(name)).sort();
    const cell = typeof wanted === "string" ? `none: ${wanted.trim()}` : wanted.join(", ");
    return `| ${index + 1} | ${step.label} | ${step.technique} | ${cell} | ${also.join(", ")} |\n`;
  });
  return `| | step | technique | meant | also |\n|--:|---|---|---|---|\n${rows.join("")}`;
}

function lostTable(
  events: readonly AuditEvent[],
  steps: readonly Step[],
  meant: Readonly<Record<string, Meant>>,
  pack: Pack,
): string {
  const total = steps.reduce((sum, { label }) => sum + namesOf(meant[label]).length, 0);
  const lost = POLICIES.map((policy) => [policy, lostUnder(policy, events, steps, meant, pack)] as const);
  const summary = lost.map(([policy, list]) => {
    const blind = steps.filter(
      ({ label }) =>
        namesOf(meant[label]).length > 0 &&
        namesOf(meant[label]).every((name) => list.some((one) => one.label === label && one.detection === name)),
    );
    return `| ${policy} | ${total - list.length} of ${total} | ${blind.map(({ label }) => label).join(", ") || "none"} |\n`;
  });
  const rows = lost.flatMap(([policy, list]) =>
    list.map(({ label, detection }) => {
      const { answer } = coverageOf(policy, detection, pack);
      return `| ${policy} | ${label} | ${detection} | ${answer} |\n`;
    }),
  );
  return `| policy | meant detections that find their step | steps that none of the meant ones finds |
|---|--:|---|
${summary.join("")}
${rows.length === 0 ? "" : `| policy | step | lost | coverage |\n|---|---|---|---|\n${rows.join("")}\n`}`;
}

/** What `policy coverage` says of a detection under a shipped policy. */
export function coverageOf(policy: string, name: string, pack: Pack): Coverage {
  const detection = pack.byName.get(name);
  if (detection === undefined) {
    throw new Error(`no detection is called "${name}"`);
  }
  return coverDetection(readPolicy(policy), detection);
}

function otherTable(log: string, findings: readonly Finding[], pack: Pack, from: string): string {
  const reasons = (readData("findings") as Record<string, Record<string, string>>)[log] ?? {};
  const counts = new Map<string, { count: number; severity: string }>();
  for (const { detection, actor } of findings) {
    if (SEVERITIES.indexOf(detection.level) >= SEVERITIES.indexOf(from)) {
      const key = `${pack.nameOf.get(detection.id) ?? detection.id} ${actor ?? "(nobody)"}`;
      counts.set(key, { count: (counts.get(key)?.count ?? 0) + 1, severity: detection.level });
    }
  }
  const unexplained = [...counts.keys()].filter((key) => reasons[key] === undefined);
  if (unexplained.length > 0) {
    throw new Error(`docs/data/findings.yml has no reason under ${log} for: ${unexplained.join("; ")}`);
  }
  if (counts.size > MOST_PAIRS) {
    throw new Error(`the log ${log} shows ${counts.size} pairs of detection and actor, more than ${MOST_PAIRS}`);
  }
  if (Object.keys(reasons).length === 0) {
    return "No finding of any severity.\n";
  }
  const rows = Object.entries(reasons).map(([key, reason]) => {
    const [name = "", actor = ""] = key.split(" ");
    const count = counts.get(key)?.count ?? 0;
    return `| ${pack.byName.get(name)?.severity ?? "?"} | ${name} | ${actor} | ${count} | ${reason} |\n`;
  });
  return `| severity | detection | actor | findings | why |\n|---|---|---|--:|---|\n${rows.join("")}`;
}
