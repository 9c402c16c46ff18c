import { openSync, readSync } from "node:fs";

/** The floor: reads a file and finds its newlines, nothing more. */
const file = openSync(process.argv[2] ?? "", "r");
const buffer = Buffer.allocUnsafeSlow(512 * 1024);
let lines = 0;
for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) {
  const chunk = buffer.subarray(0, length);
  for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) {
    lines++;
  }
}
console.log(lines);
