import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

// In a process of its own: V8's flags are those of all threads.
const PROGRAM = `
import { Script } from "node:vm";
import { asAtStart, compileLater, markAsEver, markLater } from ${JSON.stringify(new URL("compile-later.ts", import.meta.url).href)};
let asked = 0;
// Another text each time, which V8 has not compiled yet; it compares their length.
const source = () => \`(function () { return \${asked++}; })\`;
const cachedData = new Script(source()).createCachedData();
const isRejected = () => new Script(source(), { cachedData }).cachedDataRejected;
const said = [asAtStart(isRejected)];
compileLater(process.argv[1]);
if (process.argv[1] === "filter") {
  markLater();
}
said.push(isRejected(), asAtStart(isRejected), isRejected());
try {
  asAtStart(() => { throw new Error("not there"); });
} catch (error) {
  said.push(error.message, isRejected());
}
markAsEver();
said.push(asAtStart(isRejected));
console.log(JSON.stringify(said));
`;

test.each(["filter", "replay"])(
  "asAtStart loads with V8's flags as they were before compileLater(%o), which are set again afterwards",
  (work) => {
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", PROGRAM, work], {
      encoding: "utf8",
    });
    expect(JSON.parse(stdout), stderr).toEqual([false, true, false, true, "not there", true, false]);
  },
);

const MARKING = `
import { compileLater, markAsEver, markLater } from ${JSON.stringify(new URL("compile-later.ts", import.meta.url).href)};
compileLater("filter");
markLater();
if (process.argv[1] === "as ever") {
  markAsEver();
}
const memory = new WebAssembly.Memory({ initial: 448 });
const kept = [];
for (let made = 0; made < 7000; made++) {
  kept.push(new Array(128).fill(made), new Array(1024).fill(made).length);
}
`;

test.each([
  ["later", false],
  ["as ever", true],
])("a heap of some 10 MB beside the memory of a module is marked %s: %o", (when, isMarked) => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--trace-gc", "--trace-incremental-marking", "--input-type=module", "-e", MARKING, when],
    { encoding: "utf8" },
  );
  expect(stdout, stderr).toMatch(/Scavenge/);
  expect(/Mark-Compact|IncrementalMarking\] Start/.test(stdout)).toBe(isMarked);
});
