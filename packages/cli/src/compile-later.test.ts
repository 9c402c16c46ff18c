import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

// In a process of its own: V8's flags are those of all threads.
const PROGRAM = `
import { Script } from "node:vm";
import { asAtStart, compileLater } from ${JSON.stringify(new URL("compile-later.ts", import.meta.url).href)};
let asked = 0;
// Another text each time, which V8 has not compiled yet; it compares their length.
const source = () => \`(function () { return \${asked++}; })\`;
const cachedData = new Script(source()).createCachedData();
const isRejected = () => new Script(source(), { cachedData }).cachedDataRejected;
const said = [asAtStart(isRejected)];
compileLater(process.argv[1]);
said.push(isRejected(), asAtStart(isRejected), isRejected());
try {
  asAtStart(() => { throw new Error("not there"); });
} catch (error) {
  said.push(error.message, isRejected());
}
console.log(JSON.stringify(said));
`;

test.each(["filter", "replay"])(
  "asAtStart loads with V8's flags as they were before compileLater(%o), which are set again afterwards",
  (work) => {
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", PROGRAM, work], {
      encoding: "utf8",
    });
    expect(JSON.parse(stdout), stderr).toEqual([false, true, false, true, "not there", true]);
  },
);
