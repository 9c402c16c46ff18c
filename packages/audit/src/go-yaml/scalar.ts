/**
 * What go-yaml v2 makes of a scalar: YAML 1.1 words, C-like numbers, timestamps that stay text.
 *
 * @see https://github.com/yaml/go-yaml/blob/v2/resolve.go
 */
export type GoScalar =
  | { readonly type: "null" }
  | { readonly type: "bool"; readonly value: boolean }
  /** `literal` is the decimal text; `uint64` marks what does not fit int64. */
  | { readonly type: "int" | "uint64"; readonly literal: string }
  | { readonly type: "float"; readonly value: number }
  | { readonly type: "string"; readonly value: string };

const TAG_PREFIX = "tag:yaml.org,2002:";
const TRUE_WORDS = new Set(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]);
const FALSE_WORDS = new Set(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]);
const NULL_WORDS = new Set(["", "~", "null", "Null", "NULL"]);
const INFINITY = /^([-+]?)\.(?:inf|Inf|INF)$/;
const NOT_A_NUMBER = /^\.(?:nan|NaN|NAN)$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;
const DOTTED_FLOAT = /^\.\d+(?:[eE][-+]?\d+)?$/;
const TIMESTAMP =
  /^\d{4}-(\d{1,2})-(\d{1,2})(?:[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:[.,]\d+)?(?:Z|[-+]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(?:[.,]\d+)?)?$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/**
 * Resolves a plain or explicitly tagged scalar. `tag` is the long form, empty for an untagged plain scalar;
 * untagged quoted scalars are strings and never come here.
 *
 * @returns the value, or the message with which go-yaml refuses it.
 */
export function resolveGoScalar(tag: string, text: string): GoScalar | string {
  const kind = tag.startsWith(TAG_PREFIX) ? tag.slice(TAG_PREFIX.length) : tag;
  switch (kind) {
    case "str":
      return { type: "string", value: text };
    case "binary":
      return decodeBase64(text);
    case "":
      return untagged(text, true);
    case "bool":
    case "int":
    case "float":
    case "null":
    case "timestamp":
      return tagged(kind, text);
    default:
      return { type: "string", value: text };
  }
}

/** The scalar as a key of a JSON object, or undefined where sigs.k8s.io/yaml refuses it. */
export function goKeyText(scalar: GoScalar): string | undefined {
  switch (scalar.type) {
    case "string":
      return scalar.value;
    case "bool":
      return String(scalar.value);
    case "int":
      return scalar.literal;
    case "float":
      return floatKey(scalar.value);
    case "null":
    case "uint64":
    default:
      return undefined;
  }
}

function tagged(kind: "bool" | "int" | "float" | "null" | "timestamp", text: string): GoScalar | string {
  if (kind === "timestamp" && isTimestamp(text)) {
    return { type: "string", value: text };
  }
  const scalar = untagged(text, false);
  const found = kindOf(scalar);
  if (found === kind) {
    return scalar;
  }
  if (kind === "float" && scalar.type === "int") {
    return { type: "float", value: Number(scalar.literal) };
  }
  return `cannot decode !!${found} \`${text}\` as a !!${kind}`;
}

function kindOf(scalar: GoScalar): string {
  return scalar.type === "string" ? "str" : scalar.type === "uint64" ? "int" : scalar.type;
}

function untagged(text: string, mayBeTimestamp: boolean): GoScalar {
  const asIs: GoScalar = { type: "string", value: text };
  if (NULL_WORDS.has(text)) {
    return { type: "null" };
  }
  if (TRUE_WORDS.has(text) || FALSE_WORDS.has(text)) {
    return { type: "bool", value: TRUE_WORDS.has(text) };
  }
  const infinity = INFINITY.exec(text);
  if (infinity) {
    return { type: "float", value: infinity[1] === "-" ? -Infinity : Infinity };
  }
  if (NOT_A_NUMBER.test(text)) {
    return { type: "float", value: Number.NaN };
  }
  if (text.startsWith(".")) {
    return DOTTED_FLOAT.test(text) && Number.isFinite(Number(text)) ? { type: "float", value: Number(text) } : asIs;
  }
  if (!/^[-+\d]/.test(text) || (mayBeTimestamp && isTimestamp(text))) {
    return asIs;
  }
  const plain = text.replaceAll("_", "");
  const integer = parseInteger(plain);
  if (integer !== undefined && integer >= INT64_MIN && integer <= INT64_MAX) {
    return { type: "int", literal: String(integer) };
  }
  if (integer !== undefined && integer <= UINT64_MAX && /^\d/.test(plain)) {
    return { type: "uint64", literal: String(integer) };
  }
  return FLOAT.test(plain) && Number.isFinite(Number(plain)) ? { type: "float", value: Number(plain) } : asIs;
}

/** Go's strconv.ParseInt(s, 0, 64): 0x, 0o, 0b, and a leading 0 is octal. */
function parseInteger(text: string): bigint | undefined {
  const match = /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9]\d*)$/.exec(text);
  if (!match) {
    return undefined;
  }
  const digits = match[2] ?? "";
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  return match[1] === "-" ? -value : value;
}

function isTimestamp(text: string): boolean {
  const match = TIMESTAMP.exec(text);
  if (!match) {
    return false;
  }
  const [month, day] = [Number(match[1]), Number(match[2])];
  const year = Number(text.slice(0, 4));
  const isDate = month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(2000, month, 0)).getUTCDate();
  const isLeapDay = month === 2 && day === 29;
  const hasLeapDay = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const [hour = 0, minute = 0, second = 0] =
    text
      .slice(text.search(/[Tt ]|$/) + 1)
      .match(/\d+/g)
      ?.map(Number) ?? [];
  return isDate && (!isLeapDay || hasLeapDay) && hour < 24 && minute < 60 && second < 60;
}

function decodeBase64(text: string): GoScalar | string {
  const data = text.replace(/[\r\n]/g, "");
  if (data.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(data)) {
    return "!!binary value contains invalid base64 data";
  }
  return { type: "string", value: Buffer.from(data, "base64").toString("utf8") };
}

/** Go's FormatFloat(f, 'g', -1, 32): sigs.k8s.io/yaml prints float keys with 32 bits. */
function floatKey(value: number): string {
  if (Number.isNaN(value)) {
    return ".nan";
  }
  const single = Math.fround(value);
  if (!Number.isFinite(single)) {
    return single > 0 ? ".inf" : "-.inf";
  }
  for (let precision = 1; precision < 10; precision++) {
    const text = single.toExponential(precision - 1);
    if (Math.fround(Number(text)) === single) {
      return goShortest(Number(text));
    }
  }
  return goShortest(single);
}

/** Go's %v of a float64: an exponent of two digits at least, from 1e+06 on and below 1e-4. */
export function goShortest(value: number): string {
  const exponent = value === 0 ? 0 : Number(value.toExponential().split("e")[1]);
  if (exponent >= -4 && exponent < 6) {
    return String(value);
  }
  return value.toExponential().replace(/e([-+])(\d)$/, "e$10$2");
}
