// npm run pack [FOLDER]: the packages as they are published, into FOLDER (default: out/packages). What was compiled of sources that are gone is in none.
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { PNPM, ROOT, run, say, setUp } from "./setup.mjs";

const ROOMS = readdirSync(join(ROOT, "packages")).map((room) => `packages/${room}`);

const folder = resolve(process.argv[2] ?? join(ROOT, "out/packages"));
setUp();
mkdirSync(folder, { recursive: true });
for (const room of ROOMS) {
  ["dist", "tsconfig.tsbuildinfo"].forEach((made) => rmSync(join(ROOT, room, made), { recursive: true, force: true }));
}
let isDone = run("tsc", ["-b", "tsconfig.build.json"]) === 0;
for (const room of [...ROOMS, "profiles"]) {
  const args = ["exec", "--yes", `--package=${PNPM}`, "--", "pnpm", "pack", "--pack-destination", folder];
  isDone &&= run("npm", args, { cwd: join(ROOT, room), stdio: ["ignore", 2, 2] }) === 0;
}
say(isDone ? `Packed into ${folder}` : "Cannot pack: what was wrong stands above");
process.exitCode = isDone ? 0 : 1;
