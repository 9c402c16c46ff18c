import { safeText } from "@auditsieve/detect";
import { credentialUses } from "@auditsieve/replay";
import type { CredentialQuestion, CredentialUse, CredentialUses } from "@auditsieve/replay";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { say, writeAllData, writeData, writeLine } from "../output.ts";
import { count, paint, table } from "../table.ts";
import { jsonText, wideJson } from "../json-text.ts";

const LONG = 600;

/** Prints everything that the credentials which were asked for touched. */
export async function printCredential(
  question: CredentialQuestion,
  from: Parameters<typeof credentialUses>[1],
  output: string,
): Promise<ExitCode> {
  const told = await credentialUses(question, from);
  const entries = told.uses.map((use) => entryOf(use, told));
  if (output === "json") {
    const { leftOut, folded } = told;
    await writeData(`${wideJson({ credentials: entries, leftOut, folded })}\n`);
  } else if (output === "ndjson") {
    await writeAllData(rowsOf(entries));
  } else {
    for (const [i, entry] of entries.entries()) {
      await writeLine(`${i === 0 ? "" : "\n"}${textOf(entry)}`);
    }
  }
  sayLimits(told);
  if (entries.length > 0) {
    return EXIT.fine;
  }
  say(`auditsieve: No request in these logs was made with "${safeText(question.credential, LONG)}"`);
  say(
    told.near.length > 0
      ? `  hint: There are requests by: ${told.near.map((name) => safeText(name, LONG)).join(", ")}`
      : "  hint: X509SHA256=… or JTI=…, also the beginning of it, or a name: dev-dana, shop:web; * stands for any text. The timeline lists names",
  );
  return EXIT.problems;
}

function sayLimits({ leftOut, folded }: CredentialUses): void {
  if (leftOut > 0) {
    say(`auditsieve: ${count(leftOut)} more credentials match and are left out`);
    say("  hint: Name fewer of them: one id");
  }
  if (folded > 0) {
    say(
      `auditsieve: ${count(folded)} of these requests are told under the name *: it touched more names than are kept`,
    );
  }
}

type Entry = ReturnType<typeof entryOf>;

function entryOf(
  { name, credential, sessions, origin, broughtForth, ledTo, allowed, touched }: CredentialUse,
  told: CredentialUses,
) {
  return {
    actor: name,
    ...(credential !== undefined && { credential }),
    first: sessions[0]?.first ?? "",
    last: sessions.reduce((to, { last }) => (last > to ? last : to), ""),
    requests: sum(sessions.map(({ requests }) => requests)),
    refused: sum(sessions.map(({ refused }) => refused)),
    usedFrom: sessions.map(({ sourceIP, userAgent, impersonated, first, last, requests, refused }) => ({
      sourceIP,
      userAgent,
      ...(impersonated !== undefined && { impersonated }),
      first,
      last,
      requests,
      refused,
    })),
    origin: origin.links.map(({ time, text, place }) => ({ time, text, ...auditIDOf(place) })),
    ends: origin.ends.map(({ text }) => text),
    broughtForth: broughtForth.map(({ place, ...each }) => ({ ...each, ...auditIDOf(place) })),
    ledTo: ledTo.map(({ credential: to, ...each }) => ({ ...each, ...(to !== undefined && { credential: to }) })),
    allowedBy: allowed.map(({ reason, requests, first, last, place }) => ({
      reason,
      requests,
      first,
      last,
      ...auditIDOf(place),
    })),
    touched: touched.map(({ place, impersonated, ...each }) => ({
      ...each,
      ...(impersonated !== undefined && { impersonated }),
      ...auditIDOf(place),
    })),
  };

  function auditIDOf(place: number | undefined): { readonly auditID?: string } {
    const auditID = place === undefined ? undefined : told.auditIDs.get(place);
    return auditID === undefined ? {} : { auditID };
  }
}

/** What was touched, each with whose credential it was: a row stands by itself. */
function* rowsOf(entries: readonly Entry[]): Generator<string, void> {
  for (const { actor, credential, touched } of entries) {
    for (const each of touched) {
      yield `${jsonText({ actor, ...(credential !== undefined && { credential }), ...each })}\n`;
    }
  }
}

function textOf(entry: Entry): string {
  const { actor, credential, requests, refused, first, last, usedFrom, origin, ends } = entry;
  const what = credential === undefined ? "no credential id in the log" : safeText(credential, LONG);
  const times = count(requests) + (requests === 1 ? " request" : " requests");
  return [
    paint("bold", `${actor === "" ? "(not authenticated)" : safeText(actor, LONG)}, ${what}`),
    `${times}, ${count(refused)} refused, ${first} to ${last}`,
    "",
    paint("bold", "Used from"),
    table(
      [
        { title: "first" },
        { title: "last" },
        { title: "requests", align: "right" },
        { title: "from" },
        { title: "with" },
      ],
      usedFrom.map((use) => [
        use.first,
        use.last,
        String(use.requests),
        safeText(use.sourceIP),
        safeText(use.userAgent, LONG) +
          (use.impersonated === undefined ? "" : ` as ${safeText(use.impersonated, LONG)}`),
      ]),
    ),
    "",
    paint("bold", "Came from"),
    ...origin.map(({ time, text, auditID }) => `${time}  ${safeText(text, LONG)}${idText(auditID)}`),
    ...ends.map((text) => `ends: ${safeText(text, LONG)}`),
    ...broughtText(entry),
    ...ledToText(entry),
    ...allowedText(entry),
    ...touchedText(entry),
  ].join("\n");
}

function broughtText({ broughtForth }: Entry): readonly string[] {
  if (broughtForth.length === 0) {
    return [];
  }
  const rows = broughtForth.map(({ time, kind, text, requests, auditID }) => [
    time,
    kind,
    kind === "workload" ? "" : String(requests),
    safeText(text, LONG),
    safeText(auditID ?? ""),
  ]);
  const columns = [{ title: "time" }, { title: "" }, { title: "used", align: "right" as const }, { title: "what" }];
  return ["", paint("bold", "Brought forth, and outlives it"), table([...columns, { title: "auditID" }], rows)];
}

function ledToText({ ledTo }: Entry): readonly string[] {
  const rows = ledTo.map(({ first, requests, name, credential = "no credential id in the log" }) => [
    first,
    String(requests),
    safeText(name, LONG),
    safeText(credential, LONG),
  ]);
  const columns = [{ title: "first" }, { title: "requests", align: "right" as const }, { title: "identity" }];
  return rows.length === 0 ? [] : ["", paint("bold", "Led to"), table([...columns, { title: "credential" }], rows)];
}

function allowedText({ allowedBy }: Entry): readonly string[] {
  const rows = allowedBy.map(({ requests, first, reason, auditID }) => [
    String(requests),
    first,
    reason === "" ? "(the authorizer gave no reason: system:masters, for one)" : safeText(reason, LONG),
    safeText(auditID ?? ""),
  ]);
  return rows.length === 0
    ? []
    : [
        "",
        paint("bold", "Let pass by"),
        table(
          [{ title: "requests", align: "right" }, { title: "first" }, { title: "reason" }, { title: "auditID" }],
          rows,
        ),
      ];
}

function touchedText({ touched }: Entry): readonly string[] {
  const rows = touched.map(({ first, verb, resource, namespace, name, requests, refused, impersonated, auditID }) => [
    first,
    String(requests),
    refused === 0 ? "" : String(refused),
    safeText(verb, 40),
    safeText(targetText(resource, namespace, name), LONG) +
      (impersonated === undefined ? "" : ` as ${safeText(impersonated, LONG)}`),
    safeText(auditID ?? ""),
  ]);
  return [
    "",
    paint("bold", "Touched"),
    table(
      [
        { title: "first" },
        { title: "requests", align: "right" },
        { title: "refused", align: "right" },
        { title: "verb" },
        { title: "what" },
        { title: "auditID" },
      ],
      rows,
    ),
  ];
}

function targetText(resource: string, namespace: string, name: string): string {
  const scope = namespace === "" ? "" : ` in ${namespace}`;
  return name === "" ? `${resource}${scope}` : `${resource} ${namespace === "" ? name : `${namespace}/${name}`}`;
}

function idText(auditID: string | undefined): string {
  return auditID === undefined ? "" : paint("dim", `  ${safeText(auditID)}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
