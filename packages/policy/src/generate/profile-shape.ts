import { LEVELS, STAGES } from "@auditsieve/audit";
import { flag, list, object, objectOr, oneOf, orNull, record, text, textOrList } from "./shape.ts";
import type { Shape } from "./shape.ts";

const stages = list(oneOf(STAGES));
const reference = object({ set: text() });
const names = list(objectOr("set", reference, text()));

const listParameter = {
  type: oneOf(["list"]),
  of: oneOf(["user", "namespace", "resource"]),
  default: list(text(), true),
  help: text(),
};

const levelParameter = { type: oneOf(["level"]), default: oneOf(LEVELS), allowed: list(oneOf(LEVELS)), help: text() };

/** A whole parameter. */
export const parameterShape: Shape = objectOr("of", object(listParameter), object(levelParameter));

/** What a rule may say beside what names it. */
const ruleFields = {
  reason: text(),
  "source?": text(),
  "level?": objectOr("set", reference, oneOf(LEVELS)),
  "users?": names,
  "userGroups?": list(text()),
  "verbs?": list(text()),
  "resources?": list(
    objectOr(
      "set",
      reference,
      object({ group: text(true), "resources?": list(text()), "resourceNames?": list(text()) }),
    ),
  ),
  "namespaces?": list(objectOr("set", reference, text(true))),
  "nonResourceURLs?": list(text()),
  "omitStages?": stages,
  "omitManagedFields?": flag(),
};

const { "source?": source, "level?": level, ...otherFields } = ruleFields;
const ruleShape = object({ id: text(), source, level, ...otherFields });

const notices = list(
  object({
    "when?": object({ parameter: text(), is: list(text()) }),
    text: text(),
    "declares?": text(),
  }),
  true,
);

const heads = { name: text(), summary: text(), "omitStages?": stages, "omitManagedFields?": flag() };

/** A profile that stands alone. */
export const profileShape: Shape = object({
  ...heads,
  parameters: record(parameterShape),
  notices,
  rules: list(ruleShape),
});

const overridden = object(
  Object.fromEntries(
    Object.entries(ruleFields).map(([field, shape]) => [field, field.endsWith("?") ? orNull(shape) : shape]),
  ),
);

/** A profile that says how it differs from another. */
export const extensionShape: Shape = object({
  ...heads,
  extends: text(),
  "parameters?": record(
    orNull(
      objectOr(
        "type",
        parameterShape,
        object({
          "default?": textOrList(),
          "allowed?": list(oneOf(LEVELS)),
          "help?": text(),
        }),
      ),
    ),
  ),
  "notices?": notices,
  "changes?": list(
    objectOr(
      "override",
      object({ override: text(), with: overridden }),
      objectOr(
        "remove",
        object({ remove: text(), reason: text() }),
        objectOr(
          "before",
          object({ before: text(), insert: list(ruleShape) }),
          object({ after: text(), insert: list(ruleShape) }),
        ),
      ),
    ),
  ),
});
