import { safeText } from "@auditsieve/detect";
import type { RankedActor } from "@auditsieve/replay";
import { count, paint, table } from "../table.ts";

const SHOWN = 10;
const REASONS = 3;
const MOST = 100;
const LONG = 400;

/** Identities by what is unusual about them, most suspicious first; those that stand out in bold. */
export function actorsTable(actors: readonly RankedActor[]): string {
  return table(
    [
      { title: "points", align: "right" },
      { title: "identity" },
      { title: "first seen" },
      { title: "last seen" },
      { title: "refused", align: "right" },
      { title: "what is unusual" },
    ],
    actors
      .filter(({ score }) => score > 0)
      .slice(0, SHOWN)
      .map(({ score, name, isSuspicious, isNew, first, last, refused, reasons }) => [
        String(score),
        isSuspicious ? paint("bold", safeText(name, LONG)) : safeText(name, LONG),
        `${first}${isNew ? " (new)" : ""}`,
        last,
        count(refused),
        reasons
          .slice(0, REASONS)
          .map(({ text }) => safeText(text))
          .join("; "),
      ]),
  );
}

/** The same for programs. */
export function actorsJson(actors: readonly RankedActor[]): readonly unknown[] {
  return actors
    .filter(({ score }) => score > 0)
    .slice(0, MOST)
    .map(({ name, score, isSuspicious, isNew, reasons, first, last, requests, refused, writes, ...more }) => ({
      actor: name,
      score,
      standsOut: isSuspicious,
      isNew,
      reasons,
      firstSeen: first,
      lastSeen: last,
      requests,
      refused,
      writes,
      credentials: more.credentials,
      sourceIPs: more.sourceIPs,
      userAgents: more.userAgents,
    }));
}
