/**
 * Writes docs/attack.md from the recorded logs, docs/data/steps.yml and docs/data/findings.yml.
 *
 *     node scripts/make-attack-doc.ts
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./attack-logs.ts";
import { attackDocument } from "./attack-document.ts";

writeFileSync(join(ROOT, "docs/attack.md"), attackDocument());
