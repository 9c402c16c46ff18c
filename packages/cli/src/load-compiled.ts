// The files of the published command (scripts/build-start.mjs) are loaded with what V8 compiled of them when they were built.
// A fifth of the time of `filter --findings` of a small log was compiling functions that it runs.
import { readFileSync } from "node:fs";
import { Script } from "node:vm";
import type * as CompileLater from "./compile-later.ts";

type Exports = Readonly<Record<string, unknown>>;
type Wrapped = (
  exports: Exports,
  require: (specifier: string) => unknown,
  module: { readonly exports: Exports },
  filename: string,
  dirname: string,
  importModule: (specifier: string) => Promise<unknown>,
) => void;

/** What it has set of V8's flags does not count while something is loaded. */
const COMPILE_LATER = "start-compile-later.cjs";

const loaded = new Map<string, Exports>();

/** One of the files beside the one that asks, once; they require each other in circles, as CommonJS allows. */
export function loadCompiled(name: string): Exports {
  const known = loaded.get(name);
  if (known !== undefined) {
    return known;
  }
  const module = { exports: {} };
  loaded.set(name, module.exports);
  const filename = `${__dirname}/${name}`;
  const cachedData = compiledCode(filename);
  const script = new Script(readFileSync(filename, "latin1"), {
    filename,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  (script.runInThisContext() as Wrapped)(module.exports, requireBeside, module, filename, __dirname, importModule);
  return module.exports;
}

/** Handed to the files, whose own `import` Node calls experimental on the terminal. */
function importModule(specifier: string): Promise<unknown> {
  return import(specifier) as Promise<unknown>;
}

function requireBeside(specifier: string): unknown {
  if (specifier.startsWith("./start-")) {
    return loadCompiled(specifier.slice(2));
  }
  const { asAtStart } = (loaded.get(COMPILE_LATER) ?? {}) as Partial<typeof CompileLater>;
  return asAtStart === undefined ? require(specifier) : asAtStart(() => require(specifier) as unknown);
}

/** V8 refuses what another version of it has made, or one with other flags, and compiles as ever. */
function compiledCode(filename: string): Buffer | undefined {
  try {
    return readFileSync(`${filename}.code`);
  } catch {
    return undefined;
  }
}
