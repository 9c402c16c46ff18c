/** A source of numbers that a seed repeats. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to `below`, without it. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  }

  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T;
  }
}

const TOKENS: readonly Buffer[] = [
  ...'" \\ { } [ ] , : \t \r \0 \x1f \x7f - 0 00 007 1. e+ 1e400 -0 null true \\u00 \\u0022 \\ud800 \\/ \\\\ "" {} [] }{ }}'.split(
    " ",
  ),
  " ",
  "é",
  "\u{1f600}",
  "\ufeff",
  '"user":{"username":"system:apiserver"},',
  '"us\\u0065r":{"username":"system:kube-scheduler","groups":["system:nodes"]},',
  ',"verb":"get"',
  '"impersonatedUser":{"username":"root"},',
  '"code":403,',
  '"code":200',
  '"level":"None",',
  '"stage":"Panic",',
  '"requestObject":{},',
  '"responseObject":null,',
  '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata",',
  '"groups":["system:masters"],',
  "?fieldSelector=metadata.name%3Dx",
  "9".repeat(400),
  "[".repeat(10_000) + "]".repeat(10_000),
]
  .map((text) => Buffer.from(text))
  .concat(["eda080", "c080", "f4908080", "e08080", "c3", "f09f98", "ff"].map((hex) => Buffer.from(hex, "hex")));

const PLAIN = Buffer.from("abcXYZ019 -_/:.,{}[]?=&S%");

/** Any change of bytes: what only the exact decision is right about. */
export function mutateBytes(line: Buffer, dice: Dice): Buffer {
  let mutated = line;
  for (let edits = 1 + dice.below(3); edits > 0; edits--) {
    const place = placeIn(mutated, dice);
    const kind = dice.below(8);
    if (kind < 3) {
      mutated = spliced(mutated, place, dice.below(3) === 0 ? dice.below(30) : 0, dice.of(TOKENS));
    } else if (kind === 3) {
      mutated = spliced(mutated, place, 1 + dice.below(20), Buffer.alloc(0));
    } else if (kind === 4) {
      mutated = spliced(mutated, place, 1, Buffer.from([dice.below(256)]));
    } else if (kind === 5) {
      mutated = changeDigits(mutated, place, dice);
    } else if (kind === 6) {
      mutated = Buffer.from(mutated.toString("latin1").replace(/,/, dice.of([" , ", ",\t", ",,", ""])), "latin1");
    } else {
      mutated = repeatMember(mutated, place, dice);
    }
  }
  return mutated;
}

/** Another event that an apiserver could have written as well: other letters in strings, longer or shorter ones, other digits. */
export function varyValues(line: Buffer, dice: Dice): Buffer {
  let varied: Buffer = Buffer.from(line);
  for (let edits = 1 + dice.below(6); edits > 0; edits--) {
    const place = placeIn(varied, dice);
    const byte = varied[place] as number;
    if (byte >= 48 && byte <= 57) {
      varied = Buffer.from(changeDigits(varied, place, dice));
    } else if (byte >= 97 && byte <= 122) {
      const letters = Buffer.from(Array.from({ length: dice.below(4) }, () => dice.of([...PLAIN])));
      varied = spliced(varied, place, dice.below(3), letters);
    }
  }
  return isJson(varied) ? varied : line;
}

function isJson(line: Buffer): boolean {
  try {
    JSON.parse(line.toString("utf8"));
    return true;
  } catch {
    return false;
  }
}

/**
 * What crashes, power cuts and rotation make of the lines of a log: a line torn and the next ones glued to it, two whole lines on
 * one, the front of a line missing, a page of NUL.
 */
export function damage(line: Buffer, others: readonly Buffer[], dice: Dice): Buffer {
  const torn = line.subarray(0, 1 + dice.below(line.length));
  switch (dice.below(6)) {
    case 0:
      return torn;
    case 1:
      return Buffer.concat([torn, dice.of(others)]);
    case 2: {
      const other = dice.of(others);
      return Buffer.concat([torn, other.subarray(0, dice.below(other.length)), dice.of(others)]);
    }
    case 3:
      return Buffer.concat([line, dice.of(others)]);
    case 4:
      return line.subarray(dice.below(line.length));
    default: {
      const start = dice.below(line.length);
      return Buffer.from(line).fill(0, start, Math.min(line.length, start + 1 + dice.below(512)));
    }
  }
}

function placeIn(line: Buffer, dice: Dice): number {
  // Most of what decides stands in the first bytes.
  return dice.below(dice.below(2) === 0 ? Math.min(900, line.length) : line.length);
}

function spliced(line: Buffer, place: number, cut: number, put: Buffer): Buffer {
  return Buffer.concat([line.subarray(0, place), put, line.subarray(place + cut)]);
}

/** The digits at or behind the place become others, more or fewer. */
function changeDigits(line: Buffer, place: number, dice: Dice): Buffer {
  let start = place;
  while (start < line.length && !isDigit(line[start])) {
    start++;
  }
  let end = start;
  while (isDigit(line[end])) {
    end++;
  }
  const digits = dice.of(["0", "00", "1", "07", "201", "403", "12345678901234567890", `${dice.below(1_000_000)}`]);
  return end === start ? line : spliced(line, start, end - start, Buffer.from(digits));
}

/** A member of the line stands in it a second time, elsewhere. */
function repeatMember(line: Buffer, place: number, dice: Dice): Buffer {
  const text = line.toString("latin1");
  const members = [...text.slice(0, 1500).matchAll(/"\w+":(?:"[^"]*"|\d+|\{[^{}]*\}|\[[^[\]]*\]),/g)];
  const comma = line.indexOf(44, place);
  return members.length === 0 || comma === -1
    ? line
    : spliced(line, comma + 1, 0, Buffer.from(dice.of(members)[0], "latin1"));
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 48 && byte <= 57;
}
