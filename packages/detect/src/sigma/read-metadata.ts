import { own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";
import { SEVERITIES } from "../definition/detection.ts";
import type { Detection, Severity } from "../definition/detection.ts";
import { LIMITS } from "./limits.ts";
import type { ProblemLog } from "./problem-log.ts";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TECHNIQUE = /^attack\.(t\d{4}(?:\.\d{3})?)$/i;

/** What every document says about itself, whatever it detects by; undefined where it cannot be told from others. */
export function readMetadata(
  value: JsonObject,
  file: string,
  log: ProblemLog,
): Omit<Detection, "needs" | "condition"> | undefined {
  const id = readId(value, log);
  const title = readTitle(value, log);
  const severity = readSeverity(value, log);
  const tags = texts(value, "tags", log);
  const name = short(value, "name", log);
  const status = text(value, "status", log);
  const description = text(value, "description", log);
  const lists = {
    references: texts(value, "references", log),
    falsePositives: texts(value, "falsepositives", log),
    runbook: texts(value, "runbook", log),
  };
  if (id === undefined || title === undefined) {
    return undefined;
  }
  return {
    id,
    ...(name !== undefined && { name }),
    title,
    severity,
    ...(status !== undefined && { status }),
    ...(description !== undefined && { description }),
    ...lists,
    tags,
    techniques: tags.flatMap((tag) => TECHNIQUE.exec(tag)?.[1]?.toUpperCase() ?? []),
    file,
  };
}

function readId(document: JsonObject, log: ProblemLog): string | undefined {
  const id = own(document, "id");
  if (typeof id === "string" && id.length > LIMITS.fieldLength) {
    return short(document, "id", log);
  }
  if (typeof id !== "string" || id === "") {
    log.error("sigma-id", ["id"], "it has no id, by which its findings are told apart", "Give it a random UUID");
    return undefined;
  }
  if (!UUID.test(id)) {
    log.warning("sigma-id", ["id"], `its id "${id.slice(0, 80)}" is not a UUID`, "Give it a random UUID");
  }
  return id;
}

function readTitle(document: JsonObject, log: ProblemLog): string | undefined {
  const title = short(document, "title", log);
  if (title === undefined || title.trim() === "") {
    log.error("sigma-title", ["title"], "it has no title", "Say in a few words what was done");
  }
  return title;
}

function readSeverity(document: JsonObject, log: ProblemLog): Severity {
  const level = own(document, "level");
  const known = SEVERITIES.find((severity) => severity === level);
  if (known) {
    return known;
  }
  const words = `Use one of ${SEVERITIES.join(", ")}`;
  if (level === undefined || level === null) {
    log.warning("sigma-level", ["level"], 'it has no level; its findings count as "medium"', words);
  } else {
    log.error("sigma-level", ["level"], `its level ${JSON.stringify(level).slice(0, 80)} is not one of Sigma's`, words);
  }
  return "medium";
}

function text(document: JsonObject, key: string, log: ProblemLog): string | undefined {
  const value = own(document, key);
  if (value === undefined || value === null || typeof value === "string") {
    return value ?? undefined;
  }
  log.error("sigma-document", [key], `its ${key} is not a text`, "Write a text");
  return undefined;
}

/** A text that stands in every finding, or by which others name the document. */
function short(document: JsonObject, key: string, log: ProblemLog): string | undefined {
  const value = text(document, key, log);
  if (value !== undefined && value.length > LIMITS.fieldLength) {
    log.error(
      "sigma-document",
      [key],
      `its ${key} has ${value.length} characters, at most ${LIMITS.fieldLength} are allowed`,
      key === "id" ? "Give it a random UUID" : "Write a few words, and more into the description",
    );
  }
  return value;
}

function texts(document: JsonObject, key: string, log: ProblemLog): readonly string[] {
  const value = own(document, key) ?? [];
  const list: readonly JsonValue[] = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  const strings = list.filter((entry) => typeof entry === "string");
  if (strings.length < list.length) {
    log.error("sigma-document", [key], `its ${key} is not a list of texts`, "Write a list of texts");
  }
  return strings;
}
