// Writes what V8 has compiled of each file of the bundled command by the end of a run of it: `node write-compiled-code.cjs DIST ARGUMENTS…`.
// A process of its own, because V8 keeps with the code which of its flags were set.
const { writeFileSync } = require("node:fs");
const v8 = require("node:v8");
const vm = require("node:vm");

const [, , dist, ...args] = process.argv;
const { Script } = vm;
const setFlags = v8.setFlagsFromString;
const scripts = [];

setFlags("--no-flush-bytecode");
// The command sets some in its course, and loads all its files before.
v8.setFlagsFromString = () => undefined;
vm.Script = class extends Script {
  constructor(source, options) {
    super(source, options);
    scripts.push({ file: options.filename, source, script: this });
  }
};
process.on("exit", () => {
  setFlags("--flush-bytecode");
  for (const { file, source, script } of scripts) {
    const cachedData = script.createCachedData();
    if (new Script(source, { filename: file, cachedData }).cachedDataRejected !== false) {
      throw new Error(`Cannot use the compiled code of ${file}: V8 refuses what it has just made`);
    }
    writeFileSync(`${file}.code`, cachedData);
  }
});
process.argv = [process.argv[0], `${dist}/start.cjs`, ...args];
require(`${dist}/start.cjs`);
