import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ENTRIES, NOISE } from "./evasion-entries.ts";

/** Writes samples/evasion: for each entry a log of two lines, an event of a control loop and what wants to be dropped with it. */
const FOLDER = join(dirname(dirname(fileURLToPath(import.meta.url))), "samples/evasion");
mkdirSync(FOLDER, { recursive: true });
for (const file of readdirSync(FOLDER)) {
  rmSync(join(FOLDER, file));
}
for (const { id, line } of ENTRIES) {
  writeFileSync(join(FOLDER, `${id}.log`), Buffer.concat([Buffer.from(`${NOISE}\n`), line, Buffer.from("\n")]));
}
const SOURCES = { client: "a client", crash: "a crash", writer: "a writer of the file" };
writeFileSync(
  join(FOLDER, "README.md"),
  `# Evasion

What somebody could try, or what could happen, to have an event dropped as the noise of a control loop. Each file holds two lines: a
kubelet's heartbeat, which every noise policy with the control plane's rules drops, and the line that must be kept. A test filters each of
them under each shipped noise policy, with and without \`--verify\`: the second line comes out byte for byte. All of it is synthetic.

Who can do it: *a client* by what it sends to the apiserver, which escapes it; *a crash*, a power cut or a rotation by leaving pieces of
lines; *a writer of the file* by bytes that no apiserver writes and no damage leaves. Whoever can write to the log can also leave events
out, so the last kind is promised with \`--verify\` alone (docs/filter.md); without it those marked so are dropped.

| file | who | what it tries | kept without --verify |
|---|---|---|---|
${ENTRIES.map(({ id, by, tries, needsVerify }) => `| ${id} | ${SOURCES[by]} | ${tries} | ${needsVerify === true ? "no" : "yes"} |`).join("\n")}

Made by \`node scripts/make-evasion.ts\`.
`,
);
console.log(`${ENTRIES.length} entries written to samples/evasion`);
