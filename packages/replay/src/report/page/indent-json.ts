/**
 * Breaks a line of JSON into indented lines without parsing it: numbers and escapes stay as the apiserver wrote them.
 */
export function indentJson(line: string): string {
  let text = "";
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (isInString) {
      text += char;
      if (char === "\\") {
        at++;
        text += line.charAt(at);
      } else if (char === '"') {
        isInString = false;
      }
      continue;
    }
    const next = line.charAt(at + 1);
    if (char === '"') {
      isInString = true;
      text += char;
    } else if ((char === "{" && next === "}") || (char === "[" && next === "]")) {
      text += char + next;
      at++;
    } else if (char === "{" || char === "[") {
      depth++;
      text += char + indentation(depth);
    } else if (char === "}" || char === "]") {
      depth = Math.max(0, depth - 1);
      text += indentation(depth) + char;
    } else if (char === ",") {
      text += char + indentation(depth);
    } else if (char === ":") {
      text += ": ";
    } else if (char !== " ") {
      text += char;
    }
  }
  return text;
}

function indentation(depth: number): string {
  return `\n${"  ".repeat(depth)}`;
}
