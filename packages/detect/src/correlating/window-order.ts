import type { CorrelationWindow } from "./correlation-window.ts";
import { MinHeap } from "./min-heap.ts";

/** A window, and when it is to be looked at. */
export interface Scheduled {
  readonly key: string;
  readonly window: CorrelationWindow;
  readonly deadline: number;
}

/** Windows by their keys, as a queue that gives first what ends soonest. */
export function deadlinesOf(windows: ReadonlyMap<string, CorrelationWindow>): MinHeap<Scheduled> {
  const deadlines = new MinHeap<Scheduled>(endsEarlier);
  for (const [key, window] of windows) {
    deadlines.push({ key, window, deadline: window.deadline });
  }
  return deadlines;
}

/** Windows by what is lost with them: those of the fewest hits first, and of these what ends soonest. */
export function leastFirst(windows: ReadonlyMap<string, CorrelationWindow>): readonly Scheduled[] {
  return Array.from(windows, ([key, window]) => ({
    key,
    window,
    worth: worthOf(window),
    deadline: window.deadline,
  })).sort((a, b) => a.worth - b.worth || (endsEarlier(a, b) ? -1 : 1));
}

/** An empty one keeps a result from being given twice. */
function worthOf({ size }: CorrelationWindow): number {
  return size === 0 ? Number.MAX_SAFE_INTEGER : size;
}

function endsEarlier(a: Scheduled, b: Scheduled): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.key < b.key);
}
