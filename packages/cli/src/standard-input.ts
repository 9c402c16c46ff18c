/**
 * How standard input is called in arguments once they are parsed. yargs loses a lone dash in a list of arguments, so it travels
 * under a name that no file can have.
 */
export const STANDARD_INPUT = "\0-";

/** The arguments with `-` under its other name. */
export function nameStandardInput(args: readonly string[]): readonly string[] {
  return args.map((arg) => (arg === "-" ? STANDARD_INPUT : arg));
}

/** What to call an input in messages. */
export function inputName(path: string): string {
  return path === STANDARD_INPUT ? "standard input" : path;
}
