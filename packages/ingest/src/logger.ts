import { safeText } from "@auditsieve/detect";
import { pino } from "pino";
import type { DestinationStream, Logger } from "pino";

export type { Logger } from "pino";

/** Options of {@link createLogger}. */
export interface LoggerOptions {
  /** Where lines go: the cli passes standard error. */
  readonly destination: DestinationStream;
  readonly level?: "debug" | "info" | "warn" | "error";
}

const MAX_TEXT = 1000;

/**
 * The daemon's logger: JSON lines. Texts in its fields are made safe to show, because a server's error may quote what a
 * client wrote.
 *
 * @example
 * const lines: string[] = [];
 * const logger = createLogger({ destination: { write: (line) => lines.push(line) } });
 * logger.info({ input: "audit.log" }, "Following.");
 */
export function createLogger({ destination, level = "info" }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => safeFields(fields, 3),
      },
      hooks: {
        logMethod(args, method): void {
          const safe = args.map((arg) => (typeof arg === "string" ? safeText(arg, MAX_TEXT) : arg));
          method.apply(this, safe as Parameters<typeof method>);
        },
      },
    },
    destination,
  );
}

function safeFields(fields: Record<string, unknown>, depth: number): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [safeText(key), safeValue(value, depth)]));
}

function safeValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") {
    return safeText(value, MAX_TEXT);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (depth === 0) {
    return "…";
  }
  return Array.isArray(value)
    ? value.slice(0, 100).map((one) => safeValue(one, depth - 1))
    : safeFields(value as Record<string, unknown>, depth - 1);
}
