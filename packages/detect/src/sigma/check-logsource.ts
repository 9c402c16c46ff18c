import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import type { ProblemLog } from "./problem-log.ts";

/** The problem of a document that is about another log. */
export const OTHER_LOG = "sigma-logsource";

/** Reports a document that is not about the Kubernetes audit log. */
export function checkLogsource(logsource: JsonValue | undefined, log: ProblemLog): void {
  const product = isJsonObject(logsource) ? own(logsource, "product") : undefined;
  const service = isJsonObject(logsource) ? own(logsource, "service") : undefined;
  if (product !== "kubernetes" || (service !== undefined && service !== "audit")) {
    log.error(
      OTHER_LOG,
      ["logsource"],
      "its logsource is not the Kubernetes audit log",
      "Use product: kubernetes and service: audit",
    );
  }
}
