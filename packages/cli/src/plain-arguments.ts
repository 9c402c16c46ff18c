import { parseArgs } from "node:util";
import { nameStandardInput } from "./standard-input.ts";

/** Options by their names, as `parseArgs` takes them. */
export type PlainOptions = Readonly<Record<string, { readonly type: "string" | "boolean"; readonly short?: string }>>;

/** What {@link plainArguments} reads. */
export interface PlainArguments {
  /** Text of an option that was given. */
  readonly text: (name: string) => string | undefined;
  /** Whether a switch was given. */
  readonly has: (name: string) => boolean;
  readonly positionals: string[];
}

/**
 * The plain command line of a command as yargs reads it; undefined for everything else, help and mistakes too, which are left to yargs:
 * it takes longer to start than 200 MB take to be filtered.
 */
export function plainArguments(
  command: string,
  args: readonly string[],
  options: PlainOptions,
): PlainArguments | undefined {
  const [first, ...rest] = args;
  if (first !== command || !rest.every(isPlain)) {
    return undefined;
  }
  const { values, positionals, tokens } = parse(nameStandardInput(rest), options) ?? {};
  if (values === undefined || positionals === undefined || tokens === undefined) {
    return undefined;
  }
  const names = tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
  if (new Set(names).size < names.length) {
    return undefined;
  }
  return {
    text: (name) => {
      const value = values[name];
      return typeof value === "string" ? value : undefined;
    },
    has: (name) => values[name] === true,
    positionals,
  };
}

/** Whether yargs and parseArgs read it alike: an option by its whole name, a value apart from it, or a name of something. */
function isPlain(arg: string): boolean {
  // yargs takes these two for the value of what stands before them.
  const isBoolean = arg === "true" || arg === "false";
  return !isBoolean && (/^(?:-|-[a-z]|--[a-z]+(?:-[a-z]+)*)$/.test(arg) || /^[\w./~+@%][^=]*$/.test(arg));
}

function parse(args: readonly string[], options: PlainOptions): ReturnType<typeof parseStrictly> | undefined {
  try {
    return parseStrictly(args, options);
  } catch {
    return undefined;
  }
}

// oxlint-disable-next-line typescript/explicit-function-return-type -- spelt out it is what parseArgs says anyway
function parseStrictly(args: readonly string[], options: PlainOptions) {
  return parseArgs({ args: [...args], options, allowPositionals: true, strict: true, tokens: true });
}
