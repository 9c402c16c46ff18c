import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A Go program of the tests: one folder with its own go.mod. */
export interface GoProgram {
  readonly name: string;
  /** Folder of its sources. */
  readonly folder: string;
  /** `-X` variables that the linker sets, `package.name=value`. */
  readonly variables?: readonly string[];
  /** Path of the package that is built where that is another one than the folder's own. */
  readonly source?: string;
  /** Build tags. */
  readonly tags?: readonly string[];
  /** What is changed in Go's own library for this program alone; the installed one stays as it is. */
  readonly library?: readonly LibraryEdit[];
}

/** One text of a file of Go's own library in the place of another, which must be there once. */
export interface LibraryEdit {
  /** Under GOROOT/src. */
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

/** Where built programs are kept, and for how long a build may run. */
export interface GoBuildOptions {
  readonly cacheFolder?: string;
  readonly timeoutMs?: number;
}

const CACHE = fileURLToPath(new URL("../.cache/", import.meta.url));
/** Folder of changed files of Go's library, while a program is built. */
const LIBRARY = "library";
const LONGEST_BUILD_MS = 45 * 60_000;
const run = promisify(execFile);

/**
 * Builds a Go program unless this very source has been built before; gives the path of the binary. The modules come
 * through the Go module proxy that the machine is set up with.
 */
export async function buildGoProgram(program: GoProgram, options: GoBuildOptions = {}): Promise<string> {
  const { cacheFolder = CACHE, timeoutMs = LONGEST_BUILD_MS } = options;
  const kept = join(cacheFolder, `${program.name}-${await fingerprint(program)}`);
  const binary = join(kept, program.name);
  if (existsSync(binary)) {
    return binary;
  }
  const building = join(cacheFolder, `building-${program.name}-${process.pid}`);
  await mkdir(building, { recursive: true });
  try {
    const overlay = await writeOverlay(program.library ?? [], building);
    await compile(program, join(building, program.name), overlay, timeoutMs);
    await rm(join(building, LIBRARY), { recursive: true, force: true });
    // Under its final name there is never half a program, nor two builds at once in each other's way.
    await rename(building, kept).catch((error: unknown) => {
      if (!existsSync(binary)) {
        throw error;
      }
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return binary;
}

async function fingerprint({
  folder,
  variables = [],
  source = ".",
  tags = [],
  library = [],
}: GoProgram): Promise<string> {
  const hash = createHash("sha256");
  for (const name of (await readdir(folder)).filter((file) => /\.go$|^go\.(mod|sum)$/.test(file)).sort()) {
    hash.update(`${name}\n`).update(await readFile(join(folder, name)));
  }
  return hash
    .update([...variables, ...(source === "." ? [] : [source]), ...tags].join("\n"))
    .update(library.map((edit) => `\n${JSON.stringify(edit)}`).join(""))
    .digest("hex")
    .slice(0, 12);
}

/** Writes the changed files of Go's library beside the program; gives what tells `go build` of them. */
async function writeOverlay(edits: readonly LibraryEdit[], building: string): Promise<readonly string[]> {
  if (edits.length === 0) {
    return [];
  }
  const folder = join(building, LIBRARY);
  await mkdir(folder, { recursive: true });
  const root = (await run("go", ["env", "GOROOT"])).stdout.trim();
  const replaced: Record<string, string> = {};
  for (const [index, { file, find, put }] of edits.entries()) {
    const original = join(root, "src", file);
    const [before, after, ...more] = (await readFile(original, "utf8")).split(find);
    if (before === undefined || after === undefined || more.length > 0) {
      throw new Error(`Cannot change ${original}: this version of Go does not have ${JSON.stringify(find)} in it once`);
    }
    const changed = join(folder, `${index}.go`);
    await writeFile(changed, `${before}${put}${after}`);
    replaced[original] = changed;
  }
  await writeFile(join(folder, "overlay.json"), JSON.stringify({ Replace: replaced }));
  return ["-overlay", join(folder, "overlay.json")];
}

async function compile(
  { name, folder, variables = [], source = ".", tags = [] }: GoProgram,
  output: string,
  overlay: readonly string[],
  timeout: number,
): Promise<void> {
  const linked = ["-s", "-w", ...variables.flatMap((variable) => ["-X", variable])].join(" ");
  const jobs = String(availableParallelism());
  const args = [
    "build",
    "-p",
    jobs,
    "-trimpath",
    "-buildvcs=false",
    ...overlay,
    `-tags=${tags.join(",")}`,
    "-ldflags",
    linked,
    "-o",
    output,
    source,
  ];
  try {
    await run("go", args, { cwd: folder, timeout, env: { ...process.env, CGO_ENABLED: "0" }, maxBuffer: 1 << 26 });
  } catch (error) {
    throw new Error(`Cannot build ${name} in ${folder}: ${reasonOf(error, timeout)}`, { cause: error });
  }
}

function reasonOf(error: unknown, timeout: number): string {
  const { code, killed, stderr } = error as { code?: unknown; killed?: boolean; stderr?: string };
  if (code === "ENOENT") {
    return "the command go is not installed. Install Go 1.26 or later; the modules come through its module proxy";
  }
  if (killed) {
    return `not done after ${timeout / 60_000} minutes. Build once by hand (go build .), which fills Go's own cache`;
  }
  return (stderr ?? String(error)).trim().split("\n").slice(-15).join("\n");
}
