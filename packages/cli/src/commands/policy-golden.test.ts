import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "vitest";
import { auditsieve, ROOT } from "../run-command.suite.ts";

const INPUT = "packages/cli/src/commands/golden/input";
const POLICY = `${INPUT}/policy.yaml`;
const NEXT = `${INPUT}/next.yaml`;
const DETECTIONS = `${INPUT}/detections`;
const REQUESTS = readFileSync(join(ROOT, INPUT, "requests.ndjson"), "utf8");

/** Each command of `policy` on input of its own: what a person reads, and where it has one, what a program reads. */
const COMMANDS: readonly (readonly [name: string, args: readonly string[], stdin?: string])[] = [
  ["generate", ["generate", "--profile", "stig", "--target", "kubeadm", "--events-per-minute", "400"]],
  ["check", ["check", POLICY]],
  ["check-json", ["check", POLICY, NEXT, "--output", "json"]],
  ["eval", ["eval", POLICY], REQUESTS],
  ["explain", ["explain", POLICY, "kubectl exec -n prod web -- sh --as alice"]],
  ["diff", ["diff", POLICY, NEXT, "--fail-on", "less-visibility"]],
  ["coverage", ["coverage", POLICY, "--detections", DETECTIONS]],
  ["tune", ["tune", "samples/quiet.log.zst", "--profile", "nsa-ctr", "--detections", DETECTIONS, "--output", "json"]],
  ["test", ["test", `${INPUT}/own.profile.yaml`]],
  ["minimise", ["minimise", NEXT]],
];

describe.concurrent("auditsieve policy", () => {
  test.for(COMMANDS)("%s prints its golden", async ([name, args, stdin], { expect }) => {
    const { code, stdout, stderr } = await auditsieve(["policy", ...args], stdin);
    const text = [
      `$ auditsieve policy ${args.join(" ")}`,
      `exit ${code}`,
      `--- standard output\n${Buffer.from(stdout, "latin1").toString("utf8")}`,
      `--- standard error\n${stderr}`,
    ].join("\n");
    await expect(text).toMatchFileSnapshot(`golden/${name}.txt`);
  });
});
