import {
  aksRecord,
  aksRecords,
  cloudWatchExport,
  cloudWatchSubscription,
  eventList,
  gkeEntry,
  gkePayload,
} from "./wrapped.suite.ts";

/** One of the things that a log may be mixed of: its text with the newline behind it. */
export interface Ingredient {
  readonly text: string;
  /** Whether it is a line by itself: it is read wherever it stands. */
  readonly isLine: boolean;
}

/** Gives the next event, as a line without its newline: each is another one. */
type Next = () => string;

const KLOG = 'I1124 00:13:26.471919       1 controller.go:615] "quota admission added evaluator" resource="pods"';

const WHOLE_LINES: readonly ((next: Next) => string)[] = [
  (next) => next(),
  (next) => next(),
  (next) => aksRecord(next()),
  (next) => aksRecords([next(), KLOG, next()]),
  (next) => gkeEntry(gkePayload({ resourceName: `core/v1/pods/${next().length}` })),
  (next) => `{"entries":[${gkeEntry(gkePayload({ methodName: `io.k8s.core.v1.pods.x${next().length}` }))}]}`,
  (next) => cloudWatchExport([next()]).trimEnd(),
  (next) => cloudWatchSubscription([next(), next()]),
  (next) => cloudWatchSubscription([next()]) + cloudWatchSubscription([next()]),
  (next) => eventList([next(), next()]).trimEnd(),
  () => eventList([]).trimEnd(),
  (next) => `[${next()},${next()}]`,
  () => KLOG,
  () => aksRecord(KLOG),
  () => '{"a":{"items":[1]}}',
];
const OVER_LINES: readonly ((next: Next) => string)[] = [
  (next) => `{\n  "kind": "EventList",\n  "items": [\n    ${next()},\n    ${next()}\n  ]\n}`,
  (next) => `[\n${next()},\n${next()}\n]`,
  (next) => JSON.stringify(JSON.parse(next()), undefined, 2),
  (next) => JSON.stringify(JSON.parse(eventList([next(), next()])), undefined, 4),
];

/** How many ingredients there are. */
export const INGREDIENTS: number = 2 * WHOLE_LINES.length + OVER_LINES.length;

/** Plain lines, all envelopes, other things, and what is left of lines of all these that are cut off. */
export function ingredient(which: number, cut: number, next: Next): Ingredient {
  const whole = WHOLE_LINES[which % WHOLE_LINES.length] as (next: Next) => string;
  if (which < WHOLE_LINES.length) {
    return { text: `${whole(next)}\n`, isLine: true };
  }
  if (which < 2 * WHOLE_LINES.length) {
    const text = whole(next);
    return { text: `${text.slice(0, 1 + (cut % (text.length - 1)))}\n`, isLine: true };
  }
  const over = OVER_LINES[which - 2 * WHOLE_LINES.length] as (next: Next) => string;
  return { text: `${over(next)}\n`, isLine: false };
}
