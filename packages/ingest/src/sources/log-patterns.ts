import { glob, stat } from "node:fs/promises";
import { isRotatedLog } from "./rotated-files.ts";

const MAGIC = /[*?[\]{}]/;
const PACKED = /\.(?:gz|zst|tmp)$/;

/** Whether a path is a pattern rather than the name of one file. */
export function isPattern(path: string): boolean {
  return MAGIC.test(path);
}

/** The files of paths and patterns (`*`, `?`, `[…]`, `{…}`, `**`), sorted per pattern, each once; a plain path stays though it is absent. */
export async function expandPatterns(patterns: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const pattern of patterns) {
    if (!isPattern(pattern) || (await isFile(pattern))) {
      found.add(pattern);
      continue;
    }
    const fitting: string[] = [];
    for await (const path of glob(pattern)) {
      if (await isFile(path)) {
        fitting.push(path);
      }
    }
    fitting.sort().forEach((path) => found.add(path));
  }
  return [...found];
}

/** As {@link expandPatterns}, without the files that a pattern finds and that rotation has put aside. */
export async function activeLogs(patterns: readonly string[]): Promise<readonly string[]> {
  const paths = await expandPatterns(patterns);
  return paths.filter((path) => patterns.includes(path) || (!PACKED.test(path) && !isRotatedLog(path)));
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}
