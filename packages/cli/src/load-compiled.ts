// The files of the published command (scripts/build-start.mjs) are loaded with what V8 compiled of them when they were built.
// A fifth of the time of `filter --findings` of a small log was compiling functions that it runs.
import { readFileSync } from "node:fs";
import { Script } from "node:vm";

type Exports = Readonly<Record<string, unknown>>;
type Wrapped = (
  exports: Exports,
  require: (specifier: string) => unknown,
  module: { readonly exports: Exports },
  filename: string,
  dirname: string,
  importModule: (specifier: string) => Promise<unknown>,
) => void;

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
  return specifier.startsWith("./start-") ? loadCompiled(specifier.slice(2)) : require(specifier);
}

/** V8 refuses what another version of it has made, or one with other flags, and compiles as ever. */
function compiledCode(filename: string): Buffer | undefined {
  try {
    return readFileSync(`${filename}.code`);
  } catch {
    return undefined;
  }
}
