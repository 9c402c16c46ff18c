import { parseSync, Visitor } from "rolldown/utils";

/**
 * The code of a bundle with every `#name` as an ordinary property, spelled otherwise in each class. V8 has no short way to write a private field
 * but in the code that it makes last, none to read one in the code that it makes first, and looks into an object before it calls a private method.
 * Privacy is checked in the sources; nobody else sees the bundle.
 */
export function openPrivates(code: string): string {
  const { program, errors } = parseSync("bundle.js", code);
  if (errors.length > 0) {
    throw new Error(`Cannot read the bundle: ${errors[0]?.message}`);
  }
  const classes: { readonly number: number; readonly own: ReadonlySet<string> }[] = [];
  const names: { readonly start: number; readonly end: number; readonly name: string }[] = [];
  let count = 0;
  new Visitor({
    ClassBody: ({ body }) => {
      const own = body.flatMap((one) => ("key" in one && one.key.type === "PrivateIdentifier" ? [one.key.name] : []));
      classes.push({ number: ++count, own: new Set(own) });
    },
    "ClassBody:exit": () => {
      classes.pop();
    },
    BinaryExpression: ({ left }) => {
      const { type }: { readonly type: string } = left;
      if (type === "PrivateIdentifier") {
        throw new Error(`Cannot bundle "${code.slice(left.start, left.end)} in": a bundle has no private names`);
      }
    },
    PrivateIdentifier: ({ name, start, end }) => {
      const of = classes.findLast(({ own }) => own.has(name));
      names.push({ start, end, name: `$${of?.number}_${name}` });
    },
  }).visit(program);
  let opened = "";
  let at = 0;
  for (const { start, end, name } of names.toSorted((a, b) => a.start - b.start)) {
    opened += code.slice(at, start) + name;
    at = end;
  }
  return opened + code.slice(at);
}
