import type { Position, Problem } from "@auditsieve/audit";
import { LIMITS } from "./limits.ts";

/** A path into a document, as YAML keys and indexes. */
export type Path = readonly (string | number)[];

/** Where a document's problems gather, each with its place. */
export interface ProblemLog {
  error(id: string, path: Path, message: string, hint?: string): void;
  warning(id: string, path: Path, message: string, hint?: string): void;
  /** Whether an error has been reported. */
  readonly failed: boolean;
}

/** A log that appends to `problems` and finds line and column with `locate`. */
export function problemLog(
  problems: Problem[],
  subject: string,
  locate: (path: Path) => Position | undefined,
): ProblemLog {
  let failed = false;
  const told = { error: 0, warning: 0 };
  const verbs = { error: "load", warning: "fully trust" };
  const report = (severity: "error" | "warning", id: string, path: Path, message: string, hint?: string): void => {
    failed ||= severity === "error";
    if (++told[severity] > LIMITS.problems) {
      if (told[severity] === LIMITS.problems + 1) {
        problems.push({
          id: "sigma-too-many",
          severity,
          message: `Cannot ${verbs[severity]} ${subject}: it has more problems than these ${LIMITS.problems}`,
          hint: "Correct these first",
        });
      }
      return;
    }
    const place = locate(path);
    problems.push({
      id,
      severity,
      ...(path.length > 0 && { path: pathText(path) }),
      ...place,
      message: `Cannot ${verbs[severity]} ${subject}: ${message}`,
      ...(hint !== undefined && { hint }),
    });
  };
  return {
    error: (...args) => report("error", ...args),
    warning: (...args) => report("warning", ...args),
    get failed() {
      return failed;
    },
  };
}

function pathText(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`),
    "",
  );
}
