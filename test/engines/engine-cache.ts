import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where engines that were installed or built stay for the next run. */
export const ENGINES: string = process.env["AUDITSIEVE_ENGINES"] ?? join(tmpdir(), "auditsieve-engines");
