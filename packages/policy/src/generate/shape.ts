import type { JsonValue, Problem, YamlDocument } from "@auditsieve/audit";

/** Place in a document: keys and indexes from its root. */
export type Steps = readonly (string | number)[];

/** Checks one value and reports what is wrong with it; the value is of type T if nothing was reported. */
export type Shape = (value: JsonValue | undefined, at: Steps, report: Report) => void;

/** Takes a complaint about the value at `at`. */
export type Report = (at: Steps, message: string, hint?: string) => void;

/** Checks a whole document; problems carry their place. */
export function checkShape(document: YamlDocument, shape: Shape, id: string): Problem[] {
  return checkPart(document, [], document.value, shape, id);
}

/** Checks a value that stands, or comes from what stands, at `start` of a document. */
export function checkPart(
  document: YamlDocument,
  start: Steps,
  value: JsonValue,
  shape: Shape,
  id = "profile-shape",
): Problem[] {
  const problems: Problem[] = [];
  shape(value, start, (at, message, hint) => {
    const path = printSteps(at);
    problems.push({
      id,
      severity: "error",
      path,
      ...document.locate(at),
      message: `Cannot use ${path === "" ? "the document" : path}: ${message}`,
      ...(hint === undefined ? {} : { hint }),
    });
  });
  return problems;
}

/** An object with these keys and no others; keys that end in `?` may be absent. */
export function object(fields: Readonly<Record<string, Shape>>): Shape {
  const known = Object.keys(fields).map((key) => key.replace(/\?$/, ""));
  return (value, at, report) => {
    if (!isObject(value)) {
      report(at, `an object is wanted, ${describe(value)} is given`);
      return;
    }
    for (const key of Object.keys(value)) {
      if (!known.includes(key)) {
        report([...at, key], "no such key", `Known here: ${known.join(", ")}`);
      }
    }
    for (const [field, shape] of Object.entries(fields)) {
      const key = field.replace(/\?$/, "");
      if (Object.hasOwn(value, key)) {
        shape(value[key], [...at, key], report);
      } else if (!field.endsWith("?")) {
        report(at, `the key "${key}" is missing`);
      }
    }
  };
}

/** An object with any keys. */
export function record(shape: Shape): Shape {
  return (value, at, report) => {
    if (!isObject(value)) {
      report(at, `an object is wanted, ${describe(value)} is given`);
      return;
    }
    for (const [key, inner] of Object.entries(value)) {
      shape(inner, [...at, key], report);
    }
  };
}

/** A list; an empty one only if `mayBeEmpty`. */
export function list(shape: Shape, mayBeEmpty = false): Shape {
  return (value, at, report) => {
    if (!Array.isArray(value)) {
      report(at, `a list is wanted, ${describe(value)} is given`);
      return;
    }
    if (value.length === 0 && !mayBeEmpty) {
      report(at, "an empty list restricts nothing", "Leave the key out");
    }
    for (const [index, item] of value.entries()) {
      shape(item as JsonValue, [...at, index], report);
    }
  };
}

/** A text that is not blank; `""` only if `mayBeEmpty`. */
export function text(mayBeEmpty = false): Shape {
  return (value, at, report) => {
    if (typeof value !== "string" || (value.trim() === "" && !mayBeEmpty)) {
      report(at, `a text is wanted, ${describe(value)} is given`);
    }
  };
}

/** One of these words. */
export function oneOf(words: readonly string[]): Shape {
  return (value, at, report) => {
    if (typeof value !== "string" || !words.includes(value)) {
      report(at, `one of ${words.join(", ")} is wanted, ${describe(value)} is given`);
    }
  };
}

/** true or false. */
export function flag(): Shape {
  return (value, at, report) => {
    if (typeof value !== "boolean") {
      report(at, `true or false is wanted, ${describe(value)} is given`);
    }
  };
}

/** `{ key: … }` is checked by `whenObject`, all else by `otherwise`. */
export function objectOr(key: string, whenObject: Shape, otherwise: Shape): Shape {
  return (value, at, report) => {
    const isReference = isObject(value) && Object.hasOwn(value, key);
    (isReference ? whenObject : otherwise)(value, at, report);
  };
}

/** `null`, or what `shape` wants. */
export function orNull(shape: Shape): Shape {
  return (value, at, report) => {
    if (value !== null) {
      shape(value, at, report);
    }
  };
}

/** A text or a list, of anything. */
export function textOrList(): Shape {
  return (value, at, report) => {
    if (typeof value !== "string" && !Array.isArray(value)) {
      report(at, `a text or a list is wanted, ${describe(value)} is given`);
    }
  };
}

function isObject(value: JsonValue | undefined): value is Record<string, JsonValue> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(value: JsonValue | undefined): string {
  return value === undefined ? "nothing" : JSON.stringify(value).slice(0, 60);
}

function printSteps(steps: Steps): string {
  return steps.map((step, index) => (typeof step === "number" ? `[${step}]` : index ? `.${step}` : step)).join("");
}
