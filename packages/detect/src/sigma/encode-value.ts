import { ANY_DASH, DASHES } from "../condition/pattern-piece.ts";
import type { PatternPart } from "../condition/string-pattern.ts";

const TRANSFORMS = ["windash", "base64", "base64offset", "utf16le", "utf16be", "utf16", "wide"] as const;

/** A modifier that changes the text of a value. */
export type TextTransform = (typeof TRANSFORMS)[number];

export function isTextTransform(name: string): name is TextTransform {
  return (TRANSFORMS as readonly string[]).includes(name);
}

/** Spellings of one value before it is encoded: every dash multiplies them by five. */
const MAX_SPELLINGS = 625;

/** The patterns that a value stands for after `transforms`, or what is wrong. */
export function encodeValue(
  parts: readonly PatternPart[],
  transforms: readonly TextTransform[],
): readonly (readonly PatternPart[])[] | { readonly wrong: string } {
  const dashed = transforms.includes("windash") ? parts.flatMap(withDashes) : parts;
  const base = transforms.find((name) => name === "base64" || name === "base64offset");
  if (base === undefined) {
    return [dashed];
  }
  const texts = spellings(dashed);
  if (typeof texts === "string") {
    return { wrong: `"${base}" ${texts}` };
  }
  const charset = transforms.find((name) => Object.hasOwn(CHARSETS, name)) as keyof typeof CHARSETS | undefined;
  return texts.flatMap((text) => {
    const bytes = CHARSETS[charset ?? "utf8"](text);
    return base === "base64" ? [[bytes.toString("base64")]] : atEveryOffset(bytes).map((encoded) => [encoded]);
  });
}

/** A dash or slash in front of a word, as options of commands are written. */
function withDashes(part: PatternPart): readonly PatternPart[] {
  if (typeof part !== "string") {
    return [part];
  }
  const parts: PatternPart[] = [];
  for (const [index, piece] of part.split(/\B[-/]\b/).entries()) {
    if (index > 0) {
      parts.push(ANY_DASH);
    }
    if (piece !== "") {
      parts.push(piece);
    }
  }
  return parts;
}

function spellings(parts: readonly PatternPart[]): readonly string[] | string {
  let texts: readonly string[] = [""];
  for (const part of parts) {
    if (typeof part !== "string" && part !== ANY_DASH) {
      return "takes no wildcards, because what they stand for is encoded too";
    }
    const choices = typeof part === "string" ? [part] : DASHES.split("");
    if (texts.length * choices.length > MAX_SPELLINGS) {
      return `with "windash" makes more than ${MAX_SPELLINGS} values of one`;
    }
    texts = texts.flatMap((text) => choices.map((choice) => text + choice));
  }
  return texts;
}

/** Base64 of the bytes behind 0, 1 and 2 unknown ones, without the characters that neighbours share. */
function atEveryOffset(bytes: Buffer): readonly string[] {
  if (bytes.length < 3) {
    // What is left of so little without its edges would be found nearly everywhere.
    return [];
  }
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    const end = [undefined, -3, -2][(bytes.length + offset) % 3];
    return encoded.slice([0, 2, 3][offset], end);
  });
}

const CHARSETS = {
  utf8: (text: string) => Buffer.from(text, "utf8"),
  utf16le: (text: string) => Buffer.from(text, "utf16le"),
  wide: (text: string) => Buffer.from(text, "utf16le"),
  utf16be: (text: string) => Buffer.from(text, "utf16le").swap16(),
  utf16: (text: string) => Buffer.from(`\ufeff${text}`, "utf16le"),
} as const;
