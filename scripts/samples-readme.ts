import { writeFileSync } from "node:fs";

interface SampleFile {
  readonly name: string;
  readonly events: number;
  readonly bytes: number;
  readonly storedBytes: number;
}

const SHOWS: Readonly<Record<string, string>> = {
  "attack.log.zst":
    "The whole attack log, 5.3 minutes: 62 attack steps among normal users, probes and controllers; at the end some odd but harmless requests by kubernetes-admin.",
  "baseline.log.zst":
    "The whole baseline log, 19.9 minutes: the apiserver's bootstrap and an administrator setting the cluster up, control loops alone, then people, CI and rolling deployments. For benchmarks.",
  "quiet.log.zst":
    "The quiet part of the baseline log, 5.5 minutes (requestReceivedTimestamp from 2026-11-24T00:13:26.471919Z, before 2026-11-24T00:18:56.495327Z): control loops, probes and scrapers, no person.",
  "working-day.log.zst":
    "Two minutes of the baseline log (from 2026-11-24T00:24:56Z, before 2026-11-24T00:26:56Z): people and CI, in the second minute also rolling deployments.",
  "lineage.log.zst":
    "A second run, recorded to have a chain from the first foothold to the last step: a person's certificate, a Deployment and its pod, that pod's token used elsewhere, a mightier token, a certificate signed with it, the end of the data; and single steps for detections that need a real event. Four fake nodes; events over 150,000 bytes are truncated by the apiserver.",
  "lineage-steps.jsonl":
    "The steps of that run: label, technique (`none` for harmless near misses), principal, time window, audit ids of the deed and of what came with it, place in the chain, credentials. The keys: test/recording/README.md.",
  "attack-labels.jsonl":
    "One line for each auditID of the attack: label, step, technique, `primary` (the deed itself) or incidental (discovery of the same step), user, verb, uri, stages, code.",
  "attack-steps.jsonl": "The attack's steps: time window, principal, expected verb:resource, exit code, command.",
  "small.log":
    "Hand-picked events of the attack log, in its order: one deed of each of 30 steps, and ten everyday events (a probe, leases, a watch, tokens, a binding, people).",
  "webhook-eventlist.json":
    "One body as the apiserver's audit webhook posts it, from the same recording: an EventList of 75 events, which have no kind and apiVersion of their own. Each item is redacted by itself.",
};

export function writeReadme(path: string, files: readonly SampleFile[], key: Buffer): void {
  const row = ({ name, events, bytes, storedBytes }: SampleFile): string =>
    `| ${name} | ${events.toLocaleString("en")} | ${bytes.toLocaleString("en")} | ${storedBytes.toLocaleString("en")} | ${SHOWS[name]} |`;
  writeFileSync(
    path,
    `# Samples

Real audit logs: written by a kube-apiserver 1.37.2 with etcd, controller-manager, scheduler and fake nodes (kwok; ten),
under a policy that records everything at RequestResponse and omits no stage. All people, names, images and values were made
up for the recording, and the cluster is gone. Nothing was edited by hand.

| file | events or lines | bytes, unpacked | bytes, stored | what it shows |
|---|--:|--:|--:|---|
${files.map(row).join("\n")}

**Redacted.** Every line went through this project's own redaction (\`createRedactor\` of @auditsieve/audit): values of
Secrets, last-applied copies, tokens and credentials in commands are \`redacted:<16 hex digits>\`, the same value the same
hash. The key is \`${key.toString()}\`: public, so that the files can be made again; for your own logs take a random one.
The order of the lines, and every byte that is no secret, is as the apiserver wrote it.

The lineage run is recorded again by \`node test/recording/record.ts FOLDER\`. Made by
\`node scripts/make-samples.ts FOLDER\` from the recorded logs. It refuses to write a line in which one of the
recording's secret values, a JSON web token, a private key or a bearer token is left; a test looks for the latter three here.
`,
  );
}
