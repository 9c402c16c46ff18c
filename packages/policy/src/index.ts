/**
 * Audit policies (audit.k8s.io/v1): loaded, validated and evaluated exactly as the apiserver does, checked for what
 * it accepts in silence, and generated from profiles. Text in, data out.
 *
 * @module
 */
export { evaluate, ruleMatches } from "./evaluate.ts";
export type { Decision } from "./evaluate.ts";
export type { StrictError } from "./go-decode.ts";
export { explainRefusal } from "./explain-refusal.ts";
export { DEFAULT_KUBERNETES_VERSION, parseKubernetesVersion } from "./kubernetes-version.ts";
export { loadPolicy } from "./load.ts";
export type { LoadedPolicy, LoadOptions, StreamValues, StrictWarnings } from "./load.ts";
export type { PolicySource } from "./policy-source.ts";
export type { GroupResources, Policy, PolicyRule } from "./policy.ts";
export { validatePolicy } from "./validate.ts";
export type { FieldError } from "./validate.ts";
export { generatePolicy } from "./generate/generate-policy.ts";
export type { GeneratedPolicy, GenerateOptions } from "./generate/generate-policy.ts";
export { joinStreamRules } from "./stream-policy/join-stream-rules.ts";
export { loadProfile } from "./generate/load-profile.ts";
export type { FoundProfile, LoadedProfile, LoadProfileOptions } from "./generate/load-profile.ts";
export type { LevelConflict, SafeLevel } from "./generate/safe-levels.ts";
export { loadProfileCases, runProfileCase } from "./generate/profile-cases.ts";
export type { LoadedProfileCases, ProfileCase } from "./generate/profile-cases.ts";
export type {
  Notice,
  Parameter,
  ParameterChange,
  ParameterReference,
  Profile,
  ProfileExtension,
  ProfileResources,
  ProfileRule,
  RuleChange,
  RuleOverride,
} from "./generate/profile.ts";
export { loadStreamPolicy } from "./stream-policy/load-stream-policy.ts";
export type { LoadedStreamPolicy } from "./stream-policy/load-stream-policy.ts";
export type { StreamCondition } from "./stream-policy/stream-condition.ts";
export { StreamPolicy } from "./stream-policy/stream-policy.ts";
export type { StreamDecision, StreamRules } from "./stream-policy/stream-policy.ts";
export { INSTALL_TARGETS, planInstall } from "./install/plan-install.ts";
export type { InstallOptions, InstallTarget, PlannedInstall } from "./install/plan-install.ts";
export type { BackendFlag, EventLoad } from "./install/backend-flags.ts";
export type { InstallFile, InstallPlan } from "./install/install-plan.ts";
export { LINT_RULES, lintPolicy } from "./lint/index.ts";
export type { LintOptions } from "./lint/index.ts";
export type { LintContext, LintFinding, LintRule } from "./lint/lint-rule.ts";
export { Simulation } from "./simulate/simulation.ts";
export type { PredictedEvent, SimulationOptions } from "./simulate/simulation.ts";
export type {
  ActorRow,
  CannotShow,
  LevelRow,
  RuleRow,
  SimulatedLog,
  SimulationResult,
} from "./simulate/simulation-result.ts";
export type { HiddenByBaseline } from "./simulate/hidden-classes.ts";
export type { Body } from "./simulate/predict-event.ts";
export { KNOWN_PRICES, loadPriceTable, monthlyCosts } from "./simulate/price-table.ts";
export type { LoadedPriceTable, MonthlyCost, Price, PriceTable } from "./simulate/price-table.ts";
export type { Unanswered } from "./simulate/unanswered.ts";
export type { BeforeAfter, Volume } from "./simulate/volume.ts";
export { describeRecording, describeRequests, describeWitness } from "./diff/describe-change.ts";
export { decideAlike, diffPolicies } from "./diff/diff-policies.ts";
export type { PolicyDiff } from "./diff/diff-policies.ts";
export type { Recording } from "./diff/decision-change.ts";
export type { PolicyChange, Witness } from "./diff/policy-change.ts";
export type { RequestRegion } from "./diff/request-region.ts";
export { writeRequest } from "./request-class/write-request.ts";
export type { RequestLine } from "./request-class/write-request.ts";
export { coverNeeds, visibilityOf } from "./coverage/coverage.ts";
export type {
  Coverage,
  CoverageAnswer,
  CoverageOptions,
  CoveragePart,
  NeedCoverage,
  Visibility,
} from "./coverage/coverage.ts";
export type { CoverageWitness, Free } from "./coverage/witnesses.ts";
export { explainRequest } from "./explain/explain-request.ts";
export type { Explanation } from "./explain/explain-request.ts";
export type { AskedRequest, ReadRequest } from "./explain/asked-request.ts";
export { readRequest } from "./explain/read-request.ts";
export type { RecordedBody, Written } from "./explain/recorded-bodies.ts";
export type { RuleMismatch } from "./explain/rule-mismatch.ts";
export { usualGroups } from "./request-class/usual-groups.ts";
export { casePositions, runPolicyCase } from "./policy-cases.ts";
export type { CaseResult } from "./policy-cases.ts";
export { minimisePolicy } from "./minimise/minimise-policy.ts";
export type { MinimisedPolicy, Omission } from "./minimise/minimise-policy.ts";
export { printPolicy } from "./minimise/print-policy.ts";
export type { PrintOptions } from "./minimise/print-policy.ts";
export { writeMinimised } from "./minimise/write-minimised.ts";
export type { WrittenMinimised } from "./minimise/write-minimised.ts";
export type { Blinded, TunedDetection } from "./tune/blinded.ts";
export { CandidateCounter } from "./tune/candidates.ts";
export type { Candidate, CandidateCounts } from "./tune/candidates.ts";
export type { LoopIdentity } from "./tune/control-loops.ts";
export type { NoiseKind } from "./tune/noise-kinds.ts";
export { tuneProfile } from "./tune/tune-profile.ts";
export { tunePolicy, withProposals } from "./tune/tune-policy.ts";
export type { Proposal, Refusal, Tuned, TuneOptions } from "./tune/tune-policy.ts";
