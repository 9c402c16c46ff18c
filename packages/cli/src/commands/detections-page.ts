import type { Need } from "@auditsieve/audit";
import { SEVERITIES } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import { levelOf, stateOf } from "./detections-list.ts";

/** The page docs/detections.md: every shipped detection with what it looks for and what the log must hold. */
export function detectionsPage(detections: readonly Detection[]): string {
  const tactics = Map.groupBy(detections, ({ file }) => file.split("/", 1)[0] ?? "");
  const counts = SEVERITIES.toReversed().map(
    (severity) => `${detections.filter((one) => one.severity === severity).length} ${severity}`,
  );
  const levels = (["Metadata", "Request", "RequestResponse"] as const).map(
    (level) => `${detections.filter((one) => levelOf(one) === level).length} at ${level}`,
  );
  const sections = [...tactics].flatMap(([tactic, of]) => [`## ${titleOf(tactic)}`, ...of.map(section)]);
  return `${[HEAD, `${detections.length} detections: ${counts.join(", ")}. Seen whole: ${levels.join(", ")}.`, ...sections].join("\n\n")}\n`;
}

const HEAD = `# The shipped detections

Made from \`profiles/detections\` by \`packages/cli/src/commands/detections-page.ts\`; a test keeps it so. \`auditsieve detections
list --output json\` gives the same to programs, \`auditsieve detections coverage\` says what a policy lets each of them see.

*Needs* are derived from the condition: a request of that class, written at that level or a higher one at one of the stages, tells
all that the detection asks. *Earlier* are requests that must have been seen before. A detection that sees less does not guess: it
is counted as undecided.`;

function section(one: Detection): string {
  const state = stateOf(one);
  const facts = [
    `**${one.severity}**`,
    one.techniques.join(", "),
    ...(state === undefined ? [] : [state]),
    `\`${one.file}\``,
  ].filter((fact) => fact !== "");
  const parts = [
    `### ${escaped(one.title)}`,
    facts.join(" · "),
    ...(one.description === undefined ? [] : [escaped(one.description.trim())]),
    one.needs.map(needLine).join("\n"),
    ...(one.falsePositives.length === 0 ? [] : [`False positives: ${one.falsePositives.map(escaped).join("; ")}`]),
  ];
  return parts.join("\n\n");
}

function needLine({ request: { verbs, apiGroups, resources }, stages, level, fields, earlier }: Need): string {
  const group = apiGroups === undefined ? "" : ` of ${apiGroups.map((name) => name || "core").join(", ")}`;
  const what = `${verbs?.join(", ") ?? "any verb"}${resources === undefined ? "" : ` ${resources.join(", ")}`}${group}`;
  const read = fields.map((field) => `\`${field}\``).join(", ");
  return `- ${earlier ? "Earlier" : "Needs"}: ${escaped(what)} at ${level} (${stages.join(", ")}); reads ${read || "nothing else"}`;
}

function titleOf(tactic: string): string {
  const words = tactic.replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Titles and descriptions are ours, but a star or an angle bracket would still be markup. */
function escaped(text: string): string {
  return text.replace(/[*<_]/g, String.raw`\$&`);
}
