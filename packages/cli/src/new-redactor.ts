import { createRedactor } from "@auditsieve/audit";
import type { Redactor } from "@auditsieve/audit";
import { randomBytes } from "node:crypto";

/** A redactor for one run: its key is kept nowhere. */
export function newRedactor(): Redactor {
  return createRedactor({ key: () => randomBytes(32) });
}
