import type { Policy, PolicyRule } from "../policy.ts";
import type { Volume } from "../simulate/volume.ts";
import { blindedBy } from "./blinded.ts";
import type { Blinded, TunedDetection } from "./blinded.ts";
import type { Candidate, CandidateCounts } from "./candidates.ts";
import { noiseRule } from "./noise-rule.ts";

/** A rule that would drop noise of this cluster. */
export interface Proposal {
  /** Kind of talk and identity: `leases of system:nodes`. */
  readonly title: string;
  readonly reason: string;
  readonly source: string;
  readonly rule: PolicyRule;
  /** Index of the rule of the base policy that it stands before. */
  readonly before: number;
  /** What it saves of what the base policy writes. */
  readonly saves: Volume;
  /** Detections about every request, to which such requests would be hidden too. */
  readonly narrows: readonly Blinded[];
}

/** What a control loop does and is kept nevertheless. */
export interface Refusal {
  readonly candidate: Candidate;
  readonly why: "no-known-noise" | "odd" | "blinds" | "too-small";
  readonly message: string;
  readonly blinds: readonly Blinded[];
}

/** What {@link tunePolicy} gives. */
export interface Tuned {
  /** Most bytes first. */
  readonly proposals: readonly Proposal[];
  readonly refusals: readonly Refusal[];
}

/** What {@link tunePolicy} takes. */
export interface TuneOptions {
  readonly detections: readonly TunedDetection[];
  /** Least share of the base policy's bytes that a rule must save. Default 0.001. */
  readonly leastShare?: number;
}

/**
 * Proposes rules for what known control loops say to themselves, and refuses each that would hide from a detection what it sees now. A
 * rule names identity, verbs and resources; how often something comes decides only whether a rule is worth its line.
 *
 * @example
 * const loaded = loadPolicy("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]");
 * assert.ok(loaded.outcome === "accepted");
 * const counter = new CandidateCounter(loaded.policy, []);
 * const requestURI = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler";
 * const user = { username: "system:kube-scheduler", groups: ["system:authenticated"] };
 * const event = { level: "Metadata", stage: "ResponseComplete", requestURI, verb: "update", user };
 * counter.write(Buffer.from(`${JSON.stringify(event)}\n`));
 * counter.end();
 * const { proposals } = tunePolicy(loaded.policy, counter.result(), { detections: [] });
 * const tuned = withProposals(loaded.policy, proposals);
 * assert.deepEqual(tuned.rules.map(({ level }) => level), ["None", "Metadata"]);
 */
export function tunePolicy(policy: Policy, { candidates, base }: CandidateCounts, options: TuneOptions): Tuned {
  const { detections, leastShare = 0.001 } = options;
  const refusals: Refusal[] = [];
  const groups = new Map<string, Candidate[]>();
  for (const candidate of candidates.filter(({ volume }) => volume.events > 0)) {
    const refusal = refuse(policy, candidate, detections);
    if (refusal !== undefined) {
      refusals.push(refusal);
      continue;
    }
    const { kind, identity, rule, request } = candidate;
    const key = [kind?.id, identity.name, rule, request.isResourceRequest].join("\n");
    groups.set(key, [...(groups.get(key) ?? []), candidate]);
  }
  const proposals = [...groups.values()].flatMap((group) => {
    const whole = propose(policy, group, detections);
    // Verbs and resources of one rule multiply: where that hides more than its parts, each stands alone.
    const parts = whole === undefined ? group.flatMap((one) => propose(policy, [one], detections) ?? []) : [whole];
    const worth = parts.filter(({ saves }) => saves.bytes >= leastShare * base.bytes);
    if (worth.length < parts.length) {
      refusals.push(...group.map(tooSmall));
    }
    return worth;
  });
  return {
    proposals: proposals.sort((a, b) => b.saves.bytes - a.saves.bytes),
    refusals: refusals.sort((a, b) => b.candidate.volume.bytes - a.candidate.volume.bytes),
  };
}

/** The base policy with the proposals in it, each just before the rule that decides now: nothing else is decided anew. */
export function withProposals(policy: Policy, proposals: readonly Proposal[]): Policy {
  const rules = policy.rules.flatMap((rule, index) => [
    ...proposals.filter(({ before }) => before === index).map((proposal) => proposal.rule),
    rule,
  ]);
  return { ...policy, rules };
}

function propose(
  policy: Policy,
  group: readonly Candidate[],
  detections: readonly TunedDetection[],
): Proposal | undefined {
  const [first] = group;
  if (first?.kind === undefined) {
    return undefined;
  }
  const rule = noiseRule(group);
  const blinded = blindedBy(policy, rule, first.rule, detections);
  return blinded.every(({ isOfEverything }) => isOfEverything)
    ? {
        title: `${first.kind.id} of ${first.identity.name}`,
        reason: first.kind.reason,
        source: first.identity.source,
        rule,
        before: first.rule,
        saves: {
          events: group.reduce((sum, { volume }) => sum + volume.events, 0),
          bytes: group.reduce((sum, { volume }) => sum + volume.bytes, 0),
        },
        narrows: blinded,
      }
    : undefined;
}

function refuse(policy: Policy, candidate: Candidate, detections: readonly TunedDetection[]): Refusal | undefined {
  if (candidate.kind === undefined) {
    const message = "more than bookkeeping: whoever stole the credential would do it too";
    return { candidate, why: "no-known-noise", message, blinds: [] };
  }
  if (candidate.odd > 0) {
    const message = `the log has ${candidate.odd} that were refused or impersonated somebody`;
    return { candidate, why: "odd", message, blinds: [] };
  }
  const blinds = blindedBy(policy, noiseRule([candidate]), candidate.rule, detections).filter(
    ({ isOfEverything }) => !isOfEverything,
  );
  const [first] = blinds;
  if (first === undefined) {
    return undefined;
  }
  return { candidate, why: "blinds", message: `it would blind: ${first.detection.title}`, blinds };
}

function tooSmall(candidate: Candidate): Refusal {
  return { candidate, why: "too-small", message: "it saves too little for a rule", blinds: [] };
}
