/**
 * Writes docs/peers.md and docs/behaviours.md from docs/data.
 *
 *     node scripts/make-peers-doc.ts
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { behavioursDocument, peersDocument, ROOT } from "./peers-document.ts";

writeFileSync(join(ROOT, "docs/peers.md"), peersDocument());
writeFileSync(join(ROOT, "docs/behaviours.md"), behavioursDocument());
