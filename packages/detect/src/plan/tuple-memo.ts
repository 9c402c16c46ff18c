import type { JsonValue } from "@auditsieve/audit";

interface Node<Value> {
  scalars: Map<string | number | boolean | null | undefined, Node<Value>> | undefined;
  /** Apart from the scalars, so that no text can pass for a list. */
  lists: Map<string, Node<Value>> | undefined;
  value: Value | undefined;
}

/** Texts that add up to more than this are not remembered: they come from clients. */
const MAX_LENGTH = 1024;

/**
 * Remembers a value per tuple. A tree of maps: one lookup a field is cheaper than making and hashing one long key.
 * Two generations bound it: when the young one is full it becomes the old one, and what is still used moves over.
 */
export class TupleMemo<Value> {
  readonly #maxTuples: number;
  #young: Node<Value> = emptyNode();
  #old: Node<Value> = emptyNode();
  #tuples = 0;

  constructor(maxTuples: number) {
    this.#maxTuples = maxTuples;
  }

  /** The value remembered for `tuple`, or the one that `make` gives. */
  get(tuple: readonly (JsonValue | undefined)[], make: () => Value): Value {
    const known = find(this.#young, tuple);
    if (known !== undefined) {
      return known;
    }
    const value = find(this.#old, tuple) ?? make();
    if (lengthOf(tuple) > MAX_LENGTH) {
      return value;
    }
    if (this.#tuples >= this.#maxTuples) {
      this.#old = this.#young;
      this.#young = emptyNode();
      this.#tuples = 0;
    }
    this.#tuples++;
    let node = this.#young;
    for (let i = 0; i < tuple.length; i++) {
      node = grow(node, tuple[i]);
    }
    node.value = value;
    return value;
  }
}

function find<Value>(root: Node<Value>, tuple: readonly (JsonValue | undefined)[]): Value | undefined {
  let node: Node<Value> | undefined = root;
  for (let index = 0; node && index < tuple.length; index++) {
    const part = tuple[index];
    node = typeof part === "object" && part !== null ? node.lists?.get(listKey(part)) : node.scalars?.get(part);
  }
  return node?.value;
}

function grow<Value>(node: Node<Value>, part: JsonValue | undefined): Node<Value> {
  if (typeof part === "object" && part !== null) {
    node.lists ??= new Map();
    const key = listKey(part);
    const known = node.lists.get(key) ?? emptyNode<Value>();
    node.lists.set(key, known);
    return known;
  }
  node.scalars ??= new Map();
  const known = node.scalars.get(part) ?? emptyNode<Value>();
  node.scalars.set(part, known);
  return known;
}

/** Injective: before each text stands its length. */
function listKey(part: object): string {
  if (!Array.isArray(part)) {
    return JSON.stringify(part);
  }
  let key = "";
  for (const element of part as readonly JsonValue[]) {
    key += typeof element === "string" ? `${element.length}:${element}` : `j${JSON.stringify(element)}`;
  }
  return key;
}

function lengthOf(tuple: readonly (JsonValue | undefined)[]): number {
  return tuple.reduce<number>(
    (sum, part) =>
      sum +
      (typeof part === "string" ? part.length : typeof part === "object" && part !== null ? listKey(part).length : 0),
    0,
  );
}

function emptyNode<Value>(): Node<Value> {
  return { scalars: undefined, lists: undefined, value: undefined };
}
