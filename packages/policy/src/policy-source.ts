import type { JsonValue, Position, SourceNode } from "@auditsieve/audit";

type Steps = readonly (string | number)[];

/** The text that a policy was loaded from, by path: places for messages, values that the policy itself drops. */
export interface PolicySource {
  /** Place of the value at `steps`, or of its nearest ancestor that exists. */
  locate(steps: Steps): Position;
  /** Place of the key that ends `steps`, or of the nearest ancestor. */
  locateKey(steps: Steps): Position;
  /** The raw value at `steps`; of repeated keys the last. */
  valueAt(steps: Steps): JsonValue | undefined;
}

/** A source over a parsed document. */
export function sourceOf(root: SourceNode): PolicySource {
  return {
    locate: (steps) => walk(root, steps).node.position,
    locateKey: (steps) => walk(root, steps).keyPosition,
    valueAt: (steps) => {
      const { node, isWhole } = walk(root, steps);
      return isWhole ? toJson(node) : undefined;
    },
  };
}

interface Walk {
  readonly node: SourceNode;
  readonly keyPosition: Position;
  readonly isWhole: boolean;
}

function walk(root: SourceNode, steps: Steps): Walk {
  let node = root;
  let keyPosition = root.position;
  for (const step of steps) {
    if (node.kind === "array" && typeof step === "number") {
      const item = node.items[step];
      if (item !== undefined) {
        [node, keyPosition] = [item, item.position];
        continue;
      }
    }
    if (node.kind === "object") {
      const entry = node.entries.findLast(({ key }) => key === step);
      if (entry !== undefined) {
        [node, keyPosition] = [entry.value, entry.keyPosition];
        continue;
      }
    }
    return { node, keyPosition, isWhole: false };
  }
  return { node, keyPosition, isWhole: true };
}

function toJson(node: SourceNode): JsonValue {
  switch (node.kind) {
    case "null":
      return null;
    case "boolean":
    case "string":
      return node.value;
    case "number":
      return Number(node.literal);
    case "array":
      return node.items.map(toJson);
    case "object":
    default:
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, toJson(value)]));
  }
}
