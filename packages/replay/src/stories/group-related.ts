import type { Origin } from "./trace-origin.ts";

/**
 * Groups principals into stories: whoever stands out, and whoever a chain leads to or from. Two that stand out are of one story
 * where a chain leads from one to the other; having an administrator's request in common is not enough.
 */
export function groupRelated(
  origins: ReadonlyMap<string, Origin>,
  isSuspicious: (id: string) => boolean,
  isStartup: (time: string) => boolean,
): readonly (readonly string[])[] {
  const parent = new Map<string, string>();
  const root = (id: string): string => {
    let at = id;
    for (let up = parent.get(at); up !== undefined && up !== at; up = parent.get(at)) {
      at = up;
    }
    return at;
  };
  for (const [id, { ancestors, links }] of origins) {
    // What a cluster's startup made for everybody leads to everybody.
    const isLater = isSuspicious(id) || links.some(({ from, time }) => isSuspicious(from) && !isStartup(time));
    const related = isLater ? [...ancestors].filter(isSuspicious) : [];
    for (const ancestor of related) {
      parent.set(root(id), root(ancestor));
    }
  }
  const groups = new Map<string, string[]>();
  for (const id of origins.keys()) {
    const group = groups.get(root(id)) ?? [];
    group.push(id);
    groups.set(root(id), group);
  }
  return [...groups.values()].filter((ids) => ids.some(isSuspicious));
}
