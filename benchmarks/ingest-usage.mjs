// Preloaded into a measured process: writes its CPU time and peak memory to file descriptor 3 as it exits.
import { writeSync } from "node:fs";

process.on("exit", () => {
  const { userCPUTime, maxRSS } = process.resourceUsage();
  writeSync(3, JSON.stringify({ user: userCPUTime / 1e6, peak: maxRSS / 1024 }));
});
