import { isJsonObject, own, readYaml } from "@auditsieve/audit";
import type { Problem, YamlDocument } from "@auditsieve/audit";
import { checkLogsource } from "../sigma/check-logsource.ts";
import type { FieldPipeline } from "../sigma/field-pipeline.ts";
import { LIMITS } from "../sigma/limits.ts";
import { problemLog } from "../sigma/problem-log.ts";
import type { DetectionException } from "../definition/detection-exception.ts";
import { isExceptionDocument, readException, readOverride } from "./read-exception.ts";
import type { DetectionOverride, ExceptionContext } from "./read-exception.ts";

type FileProblem = Problem & { readonly file: string };

/** What {@link loadExceptions} gives: all that is sound, and every problem with its place. */
export interface LoadedExceptions {
  readonly exceptions: readonly DetectionException[];
  readonly overrides: readonly DetectionOverride[];
  readonly problems: readonly FileProblem[];
}

/** Reads exceptions files: Sigma filters that say why, who and until when, and overrides of severity and maturity. */
export function loadExceptions(
  files: readonly { readonly file: string; readonly text: string }[],
  fields: FieldPipeline,
  now: number,
): LoadedExceptions {
  const exceptions: DetectionException[] = [];
  const overrides: DetectionOverride[] = [];
  const problems: FileProblem[] = [];
  for (const { file, text } of files) {
    const { documents, problems: found } = readYaml(text);
    const own: Problem[] = [...found];
    if (documents.length > LIMITS.documents) {
      const message = `Cannot load "${file}": it has ${documents.length} documents, at most ${LIMITS.documents} are allowed`;
      own.push({ id: "sigma-too-many", severity: "error", message, hint: "Split the file" });
    }
    for (const document of documents.slice(0, LIMITS.documents).filter(({ value }) => value !== null)) {
      const read = readDocument(document, file, own, { fields, now });
      if (read && "condition" in read) {
        exceptions.push(read);
      } else if (read) {
        overrides.push(read);
      }
    }
    problems.push(...own.map((problem) => ({ ...problem, file })));
  }
  return { exceptions: exceptions.filter((one) => isOnly(one, exceptions, problems)), overrides, problems };
}

function readDocument(
  document: YamlDocument,
  file: string,
  problems: Problem[],
  { fields, now }: { readonly fields: FieldPipeline; readonly now: number },
): DetectionException | DetectionOverride | undefined {
  const { value } = document;
  const locate: ExceptionContext["locate"] = (path) => document.locate(path);
  const title = isJsonObject(value) ? own(value, "title") : undefined;
  const shown = typeof title === "string" && title.trim() !== "" ? title.slice(0, 120) : file;
  const log = problemLog(problems, `exception ${JSON.stringify(shown)}`, locate);
  if (!isJsonObject(value)) {
    log.error("exception-document", [], "the document is not a map", "See docs/exceptions.md for an example");
    return undefined;
  }
  if (shown === file) {
    log.error("exception-account", ["title"], "it has no title", "Say in a few words what is expected");
  }
  if (!isExceptionDocument(value, log)) {
    return undefined;
  }
  if (!Object.hasOwn(value, "filter")) {
    const override = readOverride(value, shown, { file, log, locate });
    return log.failed ? undefined : override;
  }
  checkLogsource(own(value, "logsource"), log);
  const exception = readException(value, shown, { file, log, locate, fields, now, isAccounted: true });
  return log.failed ? undefined : exception;
}

/** What is counted under one id is one exception. */
function isOnly(one: DetectionException, all: readonly DetectionException[], problems: FileProblem[]): boolean {
  const first = all.find(({ id }) => id === one.id) ?? one;
  if (first !== one) {
    problems.push({
      id: "exception-account",
      severity: "error",
      file: one.file,
      ...(one.line !== undefined && { line: one.line }),
      message: `Cannot load exception ${JSON.stringify(one.title)}: exception ${JSON.stringify(first.title)} has the same id`,
      hint: "Give each a random UUID of its own",
    });
  }
  return first === one;
}
