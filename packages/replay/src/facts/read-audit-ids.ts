import { EventScan } from "@auditsieve/audit";
import type { ReplayLog } from "../lines/log-reader.ts";
import type { Facts } from "./gather-facts.ts";
import { fetchLines } from "./read-events.ts";
import type { Place } from "./read-events.ts";

/**
 * Reads the logs once more for the auditIDs of the events at these places.
 *
 * @example
 * const facts = gatherer.facts();
 * const places = tellStories(facts, rankActors(facts, findings)).flatMap(({ links }) => links.map(({ place }) => place));
 * const auditIDs = await readAuditIDs(places, { facts, logs });
 */
export async function readAuditIDs(
  places: readonly (Place | undefined)[],
  { facts, logs }: { readonly facts: Facts; readonly logs: readonly ReplayLog[] },
): Promise<ReadonlyMap<Place, string>> {
  const known = new Set(places.filter((place) => place !== undefined));
  const auditIDs = new Map<Place, string>();
  const scan = new EventScan();
  await fetchLines(logs, facts.logs, known, (place, line) => {
    const auditID = scan.scan(line, 0, line.length) ? scan.text("auditID") : undefined;
    if (auditID !== undefined) {
      auditIDs.set(place, auditID);
    }
  });
  return auditIDs;
}
