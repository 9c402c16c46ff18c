import type { CorrelationWindow } from "./correlation-window.ts";
import type { LinkedCorrelation } from "../definition/link-correlations.ts";
import { MinHeap } from "./min-heap.ts";

/** A window, and when it is to be looked at. */
export interface Scheduled {
  readonly key: string;
  readonly window: CorrelationWindow;
  readonly deadline: number;
}

/** A window, and what is lost with it. */
export interface Valued extends Scheduled {
  readonly worth: number;
  readonly known: number;
}

/** Windows by their keys, as a queue that gives first what ends soonest. */
export function deadlinesOf(windows: ReadonlyMap<string, CorrelationWindow>): MinHeap<Scheduled> {
  const deadlines = new MinHeap<Scheduled>(endsEarlier);
  for (const [key, window] of windows) {
    deadlines.push({ key, window, deadline: window.deadline });
  }
  return deadlines;
}

/**
 * Windows by what is lost with them: those of the fewest hits first. Of these first those that have a value in common with very many others, as somebody
 * makes them who makes up a name for each request; then those whose values the fewest correlations know, as made-up ones are met once or
 * twice; then what ends soonest. Where `areTooLong`, hits count by how short they are: one window of names of 100 KB takes as much room
 * as dozens of others.
 */
export function leastFirst(
  windows: ReadonlyMap<string, CorrelationWindow>,
  { areTooLong }: { readonly areTooLong: boolean },
): MinHeap<Valued> {
  const company = companyOf(windows);
  // Not sorted: no more than a part of them is asked for.
  const least = new MinHeap<Valued>(isWorthLess);
  for (const [key, window] of windows) {
    const worth = worthOf(window, areTooLong);
    least.push({ key, window, worth, known: knownOf(window, company), deadline: window.deadline });
  }
  return least;
}

function isWorthLess(a: Valued, b: Valued): boolean {
  if (a.worth !== b.worth) {
    return a.worth < b.worth;
  }
  return a.known === b.known ? endsEarlier(a, b) : a.known < b.known;
}

/** Where a value of groups is met. */
interface Company {
  windows: number;
  readonly correlations: LinkedCorrelation[];
}

const CROWD = 256;

function companyOf(windows: ReadonlyMap<string, CorrelationWindow>): ReadonlyMap<string, Company> {
  const company = new Map<string, Company>();
  for (const { linked, group } of windows.values()) {
    for (const value of group.values) {
      const met = company.get(value);
      if (met === undefined) {
        company.set(value, { windows: 1, correlations: [linked] });
        continue;
      }
      met.windows++;
      if (!met.correlations.includes(linked)) {
        met.correlations.push(linked);
      }
    }
  }
  return company;
}

/** By how many correlations one of its values is known; 0 where one is in a crowd. */
function knownOf({ group }: CorrelationWindow, company: ReadonlyMap<string, Company>): number {
  let known = 0;
  for (const value of group.values) {
    const { windows = 0, correlations = [] } = company.get(value) ?? {};
    if (windows > CROWD) {
      return 0;
    }
    known = Math.max(known, correlations.length);
  }
  return known;
}

/** More hits of one window say no more, where room is wanted. */
const ENOUGH_HITS = 16;
/** Events of people and controllers are mostly shorter: which of these are, says nothing. */
const ORDINARY_LENGTH = 16 * 1024;

/** An empty one keeps a result from being given twice. */
function worthOf({ size, length }: CorrelationWindow, areTooLong: boolean): number {
  if (size === 0) {
    return Number.MAX_SAFE_INTEGER;
  }
  return areTooLong ? Math.min(size, ENOUGH_HITS) / Math.max(length / size, ORDINARY_LENGTH) : size;
}

function endsEarlier(a: Scheduled, b: Scheduled): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.key < b.key);
}
