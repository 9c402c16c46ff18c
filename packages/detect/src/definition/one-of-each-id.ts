import type { Problem } from "@auditsieve/audit";
import type { Detection } from "./detection.ts";

/**
 * The detections, one of each id: by it findings are told apart, and a sink keeps one of two with the same. What is loaded twice is taken
 * once; another detection under an id that is taken is left out, which is an error.
 */
export function oneOfEachID(detections: readonly Detection[]): {
  readonly detections: readonly Detection[];
  readonly problems: readonly (Problem & { readonly file: string })[];
} {
  const taken = new Map<string, Detection>();
  const problems: (Problem & { readonly file: string })[] = [];
  for (const detection of detections) {
    const { id, title, file, line } = detection;
    const first = taken.get(id);
    if (first === undefined) {
      taken.set(id, detection);
    } else if (!isSame(first, detection)) {
      const place = first.line === undefined ? first.file : `${first.file}:${first.line}`;
      problems.push({
        id: "sigma-id",
        severity: "error",
        path: "id",
        file,
        ...(line !== undefined && { line }),
        message: `Cannot load detection ${JSON.stringify(title.slice(0, 120))}: its id is that of ${JSON.stringify(first.title.slice(0, 120))} in ${place}`,
        hint: "Give it a random UUID of its own: by it findings are told apart",
      });
    }
  }
  return { detections: [...taken.values()], problems };
}

function isSame(one: Detection, other: Detection): boolean {
  return one.fingerprint === other.fingerprint && one.title === other.title && one.severity === other.severity;
}
