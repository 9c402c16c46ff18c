import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonValue, YamlDocument } from "@auditsieve/audit";
import type { ProblemLog } from "./problem-log.ts";

/** What makes a document one of Sigma, that says which log it is about or means that of its file. */
const SIGMA_KEYS = ["detection", "correlation", "filter", "action", "auditsieve"];

/** Reports a document that is not about the Kubernetes audit log. */
export function checkLogsource(logsource: JsonValue | undefined, log: ProblemLog): void {
  if (!isAuditLog(logsource)) {
    log.error(
      "sigma-logsource",
      ["logsource"],
      "its logsource is not the Kubernetes audit log",
      "Use product: kubernetes and service: audit",
    );
  }
}

/** Those of a file that are about other logs, or are nothing of Sigma: of a folder they are left out. */
export function aboutOtherLogs(documents: readonly YamlDocument[]): ReadonlySet<YamlDocument> {
  const maps = documents.filter(({ value }) => isJsonObject(value));
  const named = maps.filter((one) => logsourceOf(one) !== undefined);
  const areAllOther = named.length > 0 && named.every((one) => !isAuditLog(logsourceOf(one)));
  return new Set(
    maps.filter((one) => {
      const logsource = logsourceOf(one);
      return logsource === undefined ? areAllOther || !isSigma(one) : !isAuditLog(logsource);
    }),
  );
}

function isSigma({ value }: YamlDocument): boolean {
  return isJsonObject(value) && SIGMA_KEYS.some((key) => Object.hasOwn(value, key));
}

function logsourceOf({ value }: YamlDocument): JsonValue | undefined {
  return isJsonObject(value) ? own(value, "logsource") : undefined;
}

function isAuditLog(logsource: JsonValue | undefined): boolean {
  const product = isJsonObject(logsource) ? own(logsource, "product") : undefined;
  const service = isJsonObject(logsource) ? own(logsource, "service") : undefined;
  return product === "kubernetes" && (service === undefined || service === "audit");
}
