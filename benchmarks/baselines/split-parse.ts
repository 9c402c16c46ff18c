import { openSync, readSync } from "node:fs";

/** The least that reads an audit log event by event: split into lines, JSON.parse each, count. Decides nothing. */
const [, , log = ""] = process.argv;
const input = openSync(log, "r");
const buffer = Buffer.allocUnsafeSlow(512 * 1024);
const decoder = new TextDecoder();
const counts = new Map<string, number>();
let rest = "";
for (let length = readSync(input, buffer); length > 0; length = readSync(input, buffer)) {
  const lines = (rest + decoder.decode(buffer.subarray(0, length), { stream: true })).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) {
    const { level } = JSON.parse(line) as { readonly level: string };
    counts.set(level, (counts.get(level) ?? 0) + 1);
  }
}
console.log(Object.fromEntries(counts));
