/**
 * Whether `text` is `pattern`, in which `*` stands for any text. Walks back only to the last star, so that no pattern is slow.
 *
 * @example
 * assert.equal(matches("system:node:n1", "system:*"), true);
 */
export function matches(text: string, pattern: string): boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) {
    return text === pattern;
  }
  const [first = ""] = parts;
  const last = parts.at(-1) ?? "";
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) {
    return false;
  }
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found === -1 || found + part.length > text.length - last.length) {
      return false;
    }
    at = found + part.length;
  }
  return true;
}
