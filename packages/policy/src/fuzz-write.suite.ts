import type { Random } from "./fuzz-random.suite.ts";

/** How far from right a policy's text is. */
export type Nature = "valid" | "nearly valid" | "hostile" | "broken";

/** A value of a document. */
export type Plain = null | boolean | number | string | readonly Plain[] | { [key: string]: Plain };

/** Writes a value as YAML or JSON, in whatever style comes up. */
export function writeDocument(random: Random, value: Plain, nature: Nature): string {
  if (random.chance(0.15)) {
    return JSON.stringify(value, undefined, random.pick([0, 0, 2, "\t"]));
  }
  const odd = { valid: 0, "nearly valid": 0.02, hostile: 0.1, broken: 0.1 }[nature];
  const writer: Writer = { random, odd, anchors: 0 };
  // As one flow map the text would be JSON, which is read by other rules.
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  const body = isMap ? writeMap(writer, value as { [key: string]: Plain }, "") : writeBlock(writer, value, "");
  return `${body.replace(/^\n/, "")}\n`;
}

interface Writer {
  readonly random: Random;
  /** How often something rare is written: anchors, tags, merge keys, repeated keys. */
  readonly odd: number;
  anchors: number;
}

/** What follows `key:` or `-`: on the same line with a blank before it, or on lines of its own. */
function writeBlock(writer: Writer, value: Plain, indent: string): string {
  const { random } = writer;
  const isMap = typeof value === "object" && value !== null;
  if (!isMap) {
    return ` ${property(writer)}${writeScalar(writer, value, indent)}`;
  }
  const isEmpty = Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
  if (isEmpty || random.chance(0.25)) {
    return ` ${property(writer)}${writeFlow(writer, value)}`;
  }
  const own = property(writer).trimEnd();
  return `${own === "" ? "" : ` ${own}`}${Array.isArray(value) ? writeList(writer, value, indent) : writeMap(writer, value as { [key: string]: Plain }, indent)}`;
}

function writeList(writer: Writer, items: readonly Plain[], indent: string): string {
  const deeper = indent + writer.random.pick(["", "  ", "  ", " "]);
  // Entries of a list in a list need an indentation of their own.
  const own = deeper.length >= indent.length ? deeper : indent;
  return items
    .map((item) => {
      const inner = writeBlock(writer, item, `${own}  `);
      const isMap = typeof item === "object" && item !== null && !Array.isArray(item);
      return `\n${own}-${isMap && inner.startsWith(`\n${own}  `) ? ` ${inner.slice(own.length + 3)}` : inner}${comment(writer)}`;
    })
    .join("");
}

function writeMap(writer: Writer, map: { [key: string]: Plain }, indent: string): string {
  const { random, odd } = writer;
  const entries = Object.entries(map);
  if (random.chance(odd)) {
    entries.push(random.pick(entries));
  }
  if (random.chance(odd)) {
    entries.splice(random.below(entries.length + 1), 0, ["<<", { level: "Request", x: 1 }]);
  }
  if (random.chance(0.2)) {
    entries.reverse();
  }
  return entries
    .map(([key, value]) => {
      const name = key === "<<" ? key : writeScalar(writer, key, indent, true);
      const explicit = random.chance(odd / 2);
      const inner = writeBlock(writer, value, `${indent}  `);
      return explicit ? `\n${indent}? ${name}\n${indent}:${inner}` : `\n${indent}${name}:${inner}${comment(writer)}`;
    })
    .join("");
}

function writeFlow(writer: Writer, value: Plain): string {
  const { random } = writer;
  if (Array.isArray(value)) {
    const end = random.chance(0.05) && value.length > 0 ? "," : "";
    return `[${value.map((item) => writeFlow(writer, item)).join(random.pick([", ", ",", " , "]))}${end}]`;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(
      ([key, inner]) => `${writeScalar(writer, key, "", true)}: ${writeFlow(writer, inner)}`,
    );
    return `{${entries.join(", ")}}`;
  }
  return writeScalar(writer, value, "", false, true);
}

function writeScalar(writer: Writer, value: Plain, indent: string, isKey = false, isFlow = false): string {
  const { random } = writer;
  if (typeof value !== "string") {
    return value === null ? random.pick(isFlow ? ["null", "~"] : ["null", "~", ""]) : JSON.stringify(value);
  }
  const isPlainSafe =
    /^[\w./][\w./:-]*(?<!:)$/.test(value) && !/^(?:y|n|yes|no|on|off|true|false|null|~|[-+.\d].*)$/i.test(value);
  const isPlain = isPlainSafe ? random.chance(0.7) : random.chance(writer.odd);
  if (isPlain) {
    return value;
  }
  if (!isKey && !isFlow && value !== "" && random.chance(writer.odd)) {
    const mark = random.pick(["|", ">", "|-", ">-", "|+", "|2", ">2-"]);
    return `${mark}\n${indent}  ${value.replaceAll("\n", `\n${indent}  `)}`;
  }
  if (random.chance(0.5) && !/[\n\u0085]/.test(value)) {
    return `'${value.replaceAll("'", "''")}'`;
  }
  return JSON.stringify(value).replaceAll("\u0085", "\\N");
}

/** An anchor, an alias' target, or a tag. */
function property(writer: Writer): string {
  const { random } = writer;
  if (!random.chance(writer.odd)) {
    return "";
  }
  if (random.chance(0.5)) {
    writer.anchors += 1;
    return `&a${writer.anchors} `;
  }
  return random.pick([
    "!!str ",
    "!!int ",
    "!!map ",
    "!!seq ",
    "!x ",
    "! ",
    "!!null ",
    "!!bool ",
    "!<tag:x> ",
    "!!float ",
  ]);
}

function comment({ random }: Writer): string {
  return random.chance(0.04) ? random.pick([" # why", " #", "\n# a line", "\n\n", "  "]) : "";
}
