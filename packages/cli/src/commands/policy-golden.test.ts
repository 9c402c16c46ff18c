import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { runProgram } from "../program.ts";
import { ROOT } from "../run-command.suite.ts";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";

const INPUT = "packages/cli/src/commands/golden/input";
const POLICY = `${INPUT}/policy.yaml`;
const NEXT = `${INPUT}/next.yaml`;
const DETECTIONS = `${INPUT}/detections`;

/** Each command of `policy` on input of its own: what a person reads, and where it has one, what a program reads. */
const COMMANDS: readonly (readonly [name: string, args: readonly string[]])[] = [
  ["generate", ["generate", "--profile", "stig", "--target", "kubeadm", "--events-per-minute", "400"]],
  ["check", ["check", POLICY]],
  ["check-json", ["check", POLICY, NEXT, "--output", "json"]],
  ["explain", ["explain", POLICY, "kubectl exec -n prod web -- sh --as alice"]],
  ["diff", ["diff", POLICY, NEXT, "--fail-on", "less-visibility"]],
  ["coverage", ["coverage", POLICY, "--detections", DETECTIONS]],
  ["tune", ["tune", "samples/quiet.log.zst", "--profile", "nsa-ctr", "--detections", DETECTIONS, "--output", "json"]],
  ["test", ["test", `${INPUT}/own.profile.yaml`]],
  ["minimise", ["minimise", NEXT]],
];

describe("auditsieve policy", () => {
  test.each(COMMANDS)("%s prints its golden", async (name, args) => {
    await expect(page(args, await inThisProcess(args))).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  test("eval prints its golden", async () => {
    const args = ["eval", POLICY];
    const { code, stdout, stderr } = await auditsieve(
      ["policy", ...args],
      readFileSync(join(ROOT, INPUT, "requests.ndjson")),
    );
    await expect(page(args, { code, stdout, stderr })).toMatchFileSnapshot("golden/eval.txt");
  });
});

interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function page(args: readonly string[], { code, stdout, stderr }: Output): string {
  const command = `$ auditsieve policy ${args.join(" ")}\nexit ${code}`;
  return `${command}\n--- standard output\n${stdout}\n--- standard error\n${stderr}`;
}

/** As `auditsieve` does, without the seconds that ten processes take to start. */
async function inThisProcess(args: readonly string[]): Promise<Output> {
  const written = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((stream) =>
    vi.spyOn(process[stream], "write").mockImplementation((chunk, ...rest) => {
      written[stream] += String(chunk);
      for (const one of rest) if (typeof one === "function") one();
      return true;
    }),
  );
  try {
    const code = await runProgram(["policy", ...args], "0.0.0");
    return { code, ...written };
  } finally {
    spies.forEach((spy) => spy.mockRestore());
  }
}
