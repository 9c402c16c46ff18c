import type { Random } from "./fuzz-random.suite.ts";
import type { Nature } from "./fuzz-write.suite.ts";

/** What surrounds a document: marks, further documents, line ends, what editors leave. */
export function dressText(random: Random, text: string, nature: Nature): string {
  if (random.chance(0.7)) {
    return text;
  }
  const plain: readonly (() => string)[] = [
    () => text.replaceAll("\n", "\r\n"),
    () => text.trimEnd(),
    () => `${text}\n\n   \n`,
  ];
  if (nature === "valid" && text.startsWith("{")) {
    return random.pick(plain)();
  }
  const dresses: readonly (() => string)[] = [
    ...plain,
    () => `\uFEFF${text}`,
    () => `---\n${text}`,
    () => `${text}---\nkind: Other\n`,
    () => `${text}...\n}{`,
    () => `# comment\n\n${text}`,
    () => `${text}\n\n   \n# end`,
    () => `%YAML 1.1\n---\n${text}`,
    () => ` ${text.replaceAll("\n", "\n ")}`,
  ];
  const rare: readonly (() => string)[] = [
    () => text.replaceAll("\n", "\r"),
    () => `---\n---\n${text}`,
    () => `\uFEFF\uFEFF${text}`,
    () => `%YAML 1.2\n---\n${text}`,
    () => `%TAG !e! tag:yaml.org,2002:\n---\n${text}`,
    () => `--- # first\n${text}`,
    () => `\t${text}`,
    () => `[${text}]`,
    () => `- ${text.replaceAll("\n", "\n  ")}`,
    () => "",
    () => text.replace("rules:", "x: &x [*x]\nrules:"),
    () => text.replace("rules:", "x: &x {level: None}\ny: *x\nrules:"),
    () => text.replace("rules:", `${"[".repeat(random.below(40))}rules:`),
  ];
  return random.pick(nature === "hostile" ? [...dresses, ...rare] : dresses)();
}

const PIECES = [
  [" ", "  ", "\n", "\t", ":", ": ", ":\n", "- ", "-", "? ", "?", "#", " #", ",", "[", "]", "{", "}", "'", '"', "\\"],
  ["|", ">", "|+\n", ">-2\n", "&a ", "*a", "!", "!!", "!<", "%", "@", "`", "---", "\n---\n", "...", "\n...\n", "\r\n"],
  ["\r", "\u0085", "\u2028", "\uFEFF", "\u0001", "\u00A0", "é", "\u{1F600}", "\\x4", "\\u00e9", '"\\q"', "~", "<<: "],
].flat();

/** Damage as by a bad merge, a lost key or a torn file: most of what comes out is no YAML. */
export function breakText(random: Random, text: string): string {
  let broken = text;
  const wounds = 1 + random.below(random.chance(0.3) ? 12 : 3);
  for (let wound = 0; wound < wounds; wound++) {
    broken = hurt(random, broken);
  }
  return broken;
}

function hurt(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const length = 1 + random.below(random.chance(0.2) ? 30 : 3);
  const lines = text.split("\n");
  const line = random.below(lines.length);
  const damages: readonly (() => string)[] = [
    () => text.slice(0, at) + random.pick(PIECES) + text.slice(at),
    () => text.slice(0, at) + random.pick(PIECES) + text.slice(at),
    () => text.slice(0, at) + text.slice(at + length),
    () => text.slice(0, at) + random.pick(PIECES) + text.slice(at + length),
    () => lines.with(line, ` ${lines[line]}`).join("\n"),
    () => lines.with(line, (lines[line] ?? "").slice(1)).join("\n"),
    () => lines.with(line, `\t${lines[line]}`).join("\n"),
    () => lines.toSpliced(line, 1).join("\n"),
    () => lines.toSpliced(line, 0, lines[random.below(lines.length)] ?? "").join("\n"),
    () => text.slice(0, at),
    () => text.slice(0, at) + text.slice(random.below(text.length + 1)),
  ];
  return random.pick(damages)().toWellFormed();
}
