import { createRequire } from "node:module";

/** Version of the command. */
export function ownVersion(): string {
  const { version } = createRequire(import.meta.url)("../package.json") as { readonly version: string };
  return version;
}
