import { say } from "./output.ts";

/**
 * Where a daemon's log goes when people look: each JSON line of it becomes a line in words. Its texts are safe to show already.
 *
 * @example
 * createLogger({ destination: warningsForPeople() }).warn({ source: "audit" }, "Line is undecidable.");
 * // auditsieve: warning: Line is undecidable. (source audit)
 */
export function warningsForPeople(): { readonly write: (line: string) => void } {
  return {
    write: (line) => {
      const { level, msg, hint, time: _time, ...rest } = JSON.parse(line) as Readonly<Record<string, unknown>>;
      const details = Object.entries(rest).map(([key, value]) => `${key} ${textOf(value)}`);
      const behind = details.length === 0 ? "" : ` (${details.join(", ")})`;
      say(`auditsieve: ${level === "warn" ? "warning" : textOf(level)}: ${textOf(msg)}${behind}`);
      if (hint !== undefined) {
        say(`  hint: ${textOf(hint)}`);
      }
    },
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
