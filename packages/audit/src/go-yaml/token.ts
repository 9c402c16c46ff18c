import type { Mark } from "./problem.ts";

/** What go-yaml's scanner makes of a text: indicators, and the ends of blocks that only the indentation shows. */
export type TokenType =
  | "stream-end"
  | "yaml-directive"
  | "tag-directive"
  | "document-start"
  | "document-end"
  | "block-sequence-start"
  | "block-mapping-start"
  | "block-end"
  | "flow-sequence-start"
  | "flow-sequence-end"
  | "flow-mapping-start"
  | "flow-mapping-end"
  | "block-entry"
  | "flow-entry"
  | "key"
  | "value"
  | "alias"
  | "anchor"
  | "tag"
  | "scalar";

/** One token. */
export interface Token {
  readonly type: TokenType;
  readonly start: Mark;
  readonly end: Mark;
  /** Of a scalar its text, of an anchor or alias its name, of a tag or a tag directive the handle; else empty. */
  readonly value: string;
  /** Of a tag what follows the handle, of a tag directive the prefix, of a YAML directive the version. */
  readonly suffix: string;
  /** Whether a scalar is neither quoted nor a block. */
  readonly isPlain: boolean;
}
