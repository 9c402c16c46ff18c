// The first file of a thread of the published `filter --workers` (scripts/build-start.mjs), named as the module that starts it names it.
import { loadCompiled } from "./load-compiled.ts";

loadCompiled("start-filter-worker.cjs");
