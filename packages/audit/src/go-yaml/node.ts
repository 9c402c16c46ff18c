import { YamlFault } from "./problem.ts";
import type { Mark } from "./problem.ts";

/** A node of a document as go-yaml composes it: scalars are text that is not yet resolved. */
export type GoYamlNode =
  | {
      readonly kind: "scalar";
      readonly mark: Mark;
      /** In its long form, or empty. */
      readonly tag: string;
      readonly value: string;
      /** Whether its text may be more than a string. */
      readonly isImplicit: boolean;
    }
  | { readonly kind: "sequence"; readonly mark: Mark; readonly children: GoYamlNode[] }
  /** Keys and values in turn. */
  | { readonly kind: "mapping"; readonly mark: Mark; readonly children: GoYamlNode[] }
  | { readonly kind: "alias"; readonly mark: Mark; readonly name: string; readonly target: GoYamlNode };

/** Puts nodes together as the parser names them, from the root on. */
export class NodeBuilder {
  readonly #open: GoYamlNode[] = [];
  readonly #anchors = new Map<string, GoYamlNode>();
  #root: GoYamlNode | undefined;

  get root(): GoYamlNode | undefined {
    return this.#root;
  }

  add(node: GoYamlNode, anchor: string): void {
    const parent = this.#open.at(-1);
    if (parent?.kind === "sequence" || parent?.kind === "mapping") {
      parent.children.push(node);
    } else {
      this.#root = node;
    }
    if (anchor !== "") {
      this.#anchors.set(anchor, node);
    }
  }

  /** Adds a collection, which gets what is added until it is closed. */
  open(kind: "sequence" | "mapping", mark: Mark, anchor: string): void {
    const node: GoYamlNode = { kind, mark, children: [] };
    this.add(node, anchor);
    this.#open.push(node);
  }

  close(): void {
    this.#open.pop();
  }

  alias(name: string, mark: Mark): void {
    const target = this.#anchors.get(name);
    if (target === undefined) {
      throw new YamlFault(`unknown anchor '${name}' referenced`);
    }
    this.add({ kind: "alias", mark, name, target }, "");
  }
}
