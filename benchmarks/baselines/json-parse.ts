import { openSync, readSync } from "node:fs";

/** The least that any script does with an audit log: split into lines and JSON.parse each. It finds nothing. */
const input = openSync(process.argv[2] ?? "", "r");
const buffer = Buffer.allocUnsafeSlow(512 * 1024);
const decoder = new TextDecoder();
let rest = "";
let events = 0;
for (let length = readSync(input, buffer); length > 0; length = readSync(input, buffer)) {
  const lines = (rest + decoder.decode(buffer.subarray(0, length), { stream: true })).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) {
    events += (JSON.parse(line) as { readonly verb?: string }).verb === undefined ? 0 : 1;
  }
}
console.log(events);
