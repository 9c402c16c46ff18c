import { safeText } from "@auditsieve/detect";
import type { BindingAt, LetPass, Membership, RightsAt } from "@auditsieve/replay";
import { writeAllData, writeData, writeLine } from "../output.ts";
import { count, counted, paint, table } from "../table.ts";
import { jsonText, wideJson } from "../json-text.ts";

const LONG = 600;
const SHOWN_RULES = 12;
const SHOWN_ACTS = 20;
/** What says that a binding stood which no write before that time shows. */
const OLDER: Readonly<Record<BindingAt["by"], string>> = {
  written: "changed",
  shown: "older than the log, shown to",
  used: "older than the log, named by the authorizer for a request of",
  "written later": "by what was done to it later: changed or deleted",
  "shown later": "by what was answered later: shown to",
  "used later": "by what happened later: named by the authorizer for a request of",
};

/** Prints RBAC as it was: for one actor binding by binding, for several a row each. */
export async function printRightsAt(
  rights: RightsAt,
  actor: string,
  output: "table" | "json" | "ndjson",
): Promise<void> {
  const { at, bindings, letPassOtherwise, unknown } = rights;
  if (output === "json") {
    await writeData(`${wideJson(rights)}\n`);
    return;
  }
  if (output === "ndjson") {
    await writeAllData(bindings.map((binding) => `${jsonText({ at, ...binding })}\n`));
    return;
  }
  await writeLine(paint("bold", `RBAC of ${safeText(actor, LONG)} at ${at}`));
  if (actor.includes("*")) {
    await writeLine(`${counted(bindings.length, "binding")} that the log shows\n`);
    await writeLine(overview(bindings));
  } else {
    await writeLine(groupsText(rights.identities.flatMap(({ memberships }) => memberships)));
    for (const binding of bindings) {
      await writeLine(`\n${bindingText(binding)}`);
    }
  }
  const otherwise = actor.includes("*") ? byReason(letPassOtherwise) : letPassOtherwise;
  if (otherwise.length > 0) {
    await writeLine(`\n${paint("bold", "Let pass in this log by what did not stand then, or is not RBAC")}`);
    await writeLine(actsText(otherwise, true));
  }
  await writeLine(`\n${paint("bold", "What the log cannot know")}`);
  for (const line of unknown) {
    await writeLine(`  ${safeText(line, 2 * LONG)}`);
  }
}

/** Groups with what says that somebody is in them, those of one request together. */
function groupsText(memberships: readonly Membership[]): string {
  const told = [...Map.groupBy(memberships, reasonOf)].map(
    ([reason, each]) => `${each.map(({ group }) => safeText(group, LONG)).join(", ")}${paint("dim", reason)}`,
  );
  return `groups   ${told.join("\n         ")}`;
}

function reasonOf({ shown, isLater, isLeft }: Membership): string {
  if (shown === undefined) {
    return " (the apiserver adds it)";
  }
  if (shown.impersonator !== undefined) {
    return ` (chosen by ${safeText(shown.impersonator, LONG)}, who impersonated it ${isLater ? "afterwards " : ""}at ${safeText(shown.time, 40)}, auditID ${safeText(shown.auditID, LONG)})`;
  }
  const request = `request at ${safeText(shown.time, 40)}, auditID ${safeText(shown.auditID, LONG)}`;
  if (isLater) {
    return ` (only by its first request afterwards: ${request})`;
  }
  return isLeft ? ` (until its ${request}; later ones came without it)` : ` (by its ${request})`;
}

function overview(bindings: readonly BindingAt[]): string {
  return table(
    [
      { title: "since" },
      { title: "binding" },
      { title: "gives" },
      { title: "to" },
      { title: "made by" },
      { title: "let pass", align: "right" },
    ],
    bindings.map(({ binding, role, subjects, by, made, proof, letPass }) => [
      safeText(made?.time ?? "before the log", 40),
      safeText(binding, LONG),
      safeText(role, LONG),
      safeText(subjects.join(", "), LONG),
      made === undefined ? `(${by} ${safeText(proof.time, 40)})` : safeText(made.actor, LONG),
      letPass.length === 0 ? "" : count(letPass.reduce((sum, { requests }) => sum + requests, 0)),
    ]),
  );
}

function bindingText(binding: BindingAt): string {
  const { role, namespace, subjects, made, changed, created, by, proof, isStale, letPass } = binding;
  const where = namespace === undefined ? "everywhere" : `in namespace ${namespace}`;
  const lines = [
    paint(
      "bold",
      safeText(`${binding.binding} gives ${role === "" ? "a role that is not known" : role} ${where}`, LONG),
    ),
    `  to       ${safeText(subjects.length === 0 ? "nobody that the log names" : subjects.join(", "), LONG)}`,
    ...(made === undefined ? [] : [`  made     ${proofText(made)}`]),
    ...(made === undefined && by !== "written" ? [`  stood    ${OLDER[by]} ${proofText(proof, "")}`] : []),
    ...(made === undefined && created !== "" ? [`  made     ${safeText(created, 40)}, by its own word`] : []),
    ...(changed === undefined ? [] : [`  changed  ${proofText(changed)}`]),
    ...(isStale ? ["           to what the log does not say"] : []),
    ...rulesText(binding),
    ...(letPass.length === 0 ? ["  let pass nothing in this log"] : ["  let pass", indent(actsText(letPass, false))]),
  ];
  return lines.join("\n");
}

function rulesText({ rules, rulesOf, roleGone, isRoleStale }: BindingAt): readonly string[] {
  if (roleGone !== undefined) {
    return [`  allows   nothing: the role was deleted ${proofText(roleGone)}`];
  }
  if (rules === undefined) {
    return ["  allows   what the role says, which no body in the log shows"];
  }
  const shown = rules.slice(0, SHOWN_RULES).map((rule) => safeText(rule, LONG));
  const more = rules.length - shown.length;
  return [
    ...(shown.length === 0 ? ["nothing: the role has no rules"] : shown).map(
      (rule, i) => `  ${i === 0 ? "allows " : "       "}  ${rule}`,
    ),
    ...(more > 0 ? [`           and ${counted(more, "rule")} more, in --output json`] : []),
    ...(isRoleStale ? ["           (the role was changed once more, to what the log does not say)"] : []),
    ...(rulesOf === undefined
      ? []
      : [paint("dim", `           as the role was ${spoken(rulesOf.verb)} ${proofText(rulesOf)}`)]),
  ];
}

/** Of several actors how often which binding let each pass; what has no reason is summed up below. */
function byReason(acts: readonly LetPass[]): readonly LetPass[] {
  const groups = Map.groupBy(
    acts.filter(({ reason }) => reason !== ""),
    ({ actor, reason }) => JSON.stringify([actor, reason]),
  );
  return [...groups.values()].flatMap(([first, ...rest]) =>
    first === undefined
      ? []
      : [
          {
            ...first,
            access: rest.length === 0 ? first.access : `${first.access} and ${count(rest.length)} more`,
            requests: rest.reduce((sum, { requests }) => sum + requests, first.requests),
          },
        ],
  );
}

function actsText(acts: readonly LetPass[], isOtherwise: boolean): string {
  const rows = acts
    .slice(0, SHOWN_ACTS)
    .map(({ actor, access, reason, first, requests, auditID }) => [
      safeText(first, 40),
      count(requests),
      ...(isOtherwise ? [safeText(actor, LONG)] : []),
      safeText(access, LONG),
      safeText(auditID),
      ...(isOtherwise ? [reason === "" ? "(no reason)" : safeText(reason, LONG)] : []),
    ]);
  const columns = [
    { title: "first" },
    { title: "requests", align: "right" as const },
    ...(isOtherwise ? [{ title: "actor" }] : []),
    { title: "what" },
    { title: "auditID" },
    ...(isOtherwise ? [{ title: "reason" }] : []),
  ];
  const more = acts.length - rows.length;
  return `${table(columns, rows)}${more > 0 ? `\nand ${count(more)} more, in --output json` : ""}`;
}

function proofText({ time, actor, verb, auditID }: BindingAt["proof"], by = "by "): string {
  return `${safeText(time, 40)} ${by}${safeText(actor, LONG)} (${safeText(verb, 40)}, auditID ${safeText(auditID)})`;
}

function spoken(verb: string): string {
  return verb === "create" ? "made" : verb === "get" || verb === "list" || verb === "watch" ? "shown" : "changed";
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}
