import { EventScan } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { evaluateCase, loadDetections } from "@auditsieve/detect";
import { generatePolicy, loadStreamPolicy, StreamPolicy } from "@auditsieve/policy";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ROOT } from "../run-command.suite.ts";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";
import { loadNamedProfile } from "../named-profile.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-generate-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.concurrent("auditsieve policy generate", () => {
  test("auditsieve policy generate extends shipped profiles and files beside the one asked for", async () => {
    const middle =
      "name: middle\nsummary: M.\nextends: minimal\nchanges:\n  - { override: health, with: { reason: kept, level: Metadata } }\n";
    writeFileSync(join(folder, "middle.yaml"), middle);
    writeFileSync(join(folder, "own.yaml"), "name: own\nsummary: O.\nextends: ./middle.yaml\n");
    writeFileSync(join(folder, "ring.yaml"), "name: ring\nsummary: R.\nextends: ./ring.yaml\n");
    const [own, ring] = await Promise.all([
      auditsieve(["policy", "generate", "--profile", join(folder, "own.yaml")]),
      auditsieve(["policy", "generate", "--profile", join(folder, "ring.yaml")]),
    ]);
    expect([own.code, own.stdout.includes("# health: kept")]).toEqual([0, true]);
    expect([ring.code, ring.stdout]).toEqual([2, ""]);
    expect(ring.stderr).toMatch(/ring\.yaml:3:\d+: Cannot extend ".\/ring.yaml": it extends this one in turn/);
  });

  test("auditsieve policy generate writes what installs the policy into a folder, and says what to do with it", async () => {
    const out = join(folder, "kubeadm");
    const { code, stdout, stderr } = await auditsieve(
      "policy generate --profile hardened --target kubeadm --events-per-minute 400 -o".split(" ").concat(out),
    );
    const alone = await auditsieve(["policy", "generate", "--profile", "hardened"]);
    expect([code, stdout]).toEqual([0, ""]);
    expect(readFileSync(join(out, "audit-policy.yaml"), "utf8")).toBe(alone.stdout);
    expect(readFileSync(join(out, "patches", "kube-apiserver0+json.yaml"), "utf8")).toContain(
      "--audit-log-mode=blocking",
    );
    expect(stderr).toMatch(/1\. Copy the policy to .*the log to tail: \/var\/log\/kubernetes\/audit\/audit\.log/s);
  });

  test("auditsieve policy generate prints the files of a target one after the other", async () => {
    const { code, stdout } = await auditsieve(["policy", "generate", "--target", "talos"]);
    expect([code, stdout.split("\n---\n").length]).toEqual([0, 2]);
  });

  test.each([
    ["flags without a target", ["--events-per-minute", "400"], "Cannot use --events-per-minute without --target"],
    ["a rate that is none", ["--target", "k3s", "--events-per-minute", "-4"], "Cannot use --events-per-minute -4"],
    ["a webhook where no file can name it", ["--target", "kops", "--webhook", "https://x"], "a webhook for kops"],
  ])("auditsieve policy generate refuses %s", async (_name, args, message) => {
    const { code, stdout, stderr } = await auditsieve(["policy", "generate", ...args]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr).toContain("hint:");
  });

  test("auditsieve policy generate warns of levels above what is safe", async () => {
    const [stig, hardened] = await Promise.all([
      auditsieve(["policy", "generate", "--profile", "stig"]),
      auditsieve(["policy", "generate", "--profile", "hardened"]),
    ]);
    expect(stig.stderr).toContain("warning: token reviews (create): RequestResponse by rule everything");
    expect(hardened.stderr).not.toContain("warning");
  });
});

/** Hits that a policy may hide, with the reason. */
const ACCEPTED: readonly { readonly reason: string; readonly hides: (event: AuditEvent, why: string) => boolean }[] = [
  {
    reason: "a rule's URLs are prefixes: /livez/* cannot leave out /livez/../x; no apiserver serves such a path",
    hides: (_event, why) => why === "a path that only begins like a health check",
  },
  {
    reason: "what a secret holds is never safe to write; --set secrets=Request shows it to detections that ask",
    hides: ({ objectRef, requestObject }) => objectRef?.resource === "secrets" && requestObject !== undefined,
  },
  {
    reason:
      "what a config map holds nobody knows, so that writing it whole is never safe; those of the cluster's own settings are " +
      "named one by one, which a creation, having no name in its URL, cannot match",
    hides: ({ objectRef, requestObject }) => objectRef?.resource === "configmaps" && requestObject !== undefined,
  },
  {
    reason:
      "the status of services is what load balancers of clouds write all day; a person who writes it is seen at Metadata, and " +
      "forensic has the address",
    hides: ({ objectRef }) => objectRef?.resource === "services" && objectRef.subresource === "status",
  },
  {
    reason:
      "where a pod is stands in the status that its kubelet reports, the noise that these profiles are made to leave out; " +
      "forensic writes it",
    hides: ({ user }, why) =>
      user.extra?.["authentication.kubernetes.io/pod-uid"] !== undefined &&
      /^(from (a foreign|another)|stolen token)/.test(why),
  },
  {
    reason:
      "in whose name an event is written stands in its body, and events are written all day; forensic writes them",
    hides: ({ objectRef, requestObject }) => objectRef?.resource === "events" && requestObject !== undefined,
  },
  {
    reason: "what a custom resource holds only its author knows; --set customResources shows it",
    hides: ({ objectRef, requestObject }) =>
      objectRef?.apiGroup?.includes(".") === true &&
      !objectRef?.apiGroup?.endsWith(".k8s.io") &&
      requestObject !== undefined,
  },
];

describe.each(["cost", "hardened", "forensic"])("profile %s", (name) => {
  test("shows every shipped detection what it needs to see: each of its hits is one still", async () => {
    const policy = await streamPolicyOf(name);
    const cases = shippedCases();
    const all = [...new Set(cases.map(({ detection }) => detection))];
    const blind = cases
      // What the first stage shows already, the last one shows too: the policies leave the first out.
      .filter(({ expect: wanted, event }) => wanted === "hit" && event.stage !== "RequestReceived")
      .filter(({ event, why }) => !ACCEPTED.some(({ hides }) => hides(event, why)))
      .flatMap(({ detection, why, before, event }) => {
        const left = project(policy, event);
        const earlier = before.flatMap((one) => project(policy, one) ?? []);
        return left !== undefined && evaluateCase(detection, left, earlier, all) === "hit"
          ? []
          : [`${detection.title}: ${why}`];
      });
    expect(blind).toEqual([]);
  });
});

async function streamPolicyOf(name: string): Promise<StreamPolicy> {
  const loaded = await loadNamedProfile(name);
  const generated = loaded.outcome === "loaded" ? generatePolicy(loaded.profile) : undefined;
  const rules = loadStreamPolicy(generated?.outcome === "generated" ? generated.text : "");
  if (rules.outcome === "refused") {
    throw new Error(JSON.stringify(rules.problems));
  }
  return new StreamPolicy(rules.rules);
}

/** What an apiserver with this policy would have written of the event. */
function project(policy: StreamPolicy, event: AuditEvent): AuditEvent | undefined {
  const line = Buffer.from(JSON.stringify(event));
  const scan = new EventScan();
  expect(scan.scan(line, 0, line.length)).toBe(true);
  const decision = policy.decide(scan);
  if (decision.action === "drop") {
    return undefined;
  }
  return decision.action === "keep" ? event : (JSON.parse(policy.strip(scan, decision).toString()) as AuditEvent);
}

function shippedCases() {
  const detections = join(ROOT, "profiles", "detections");
  return globSync("*/*.yml", { cwd: detections }).flatMap((file) => {
    const documents = loadDetections(readFileSync(join(detections, file), "utf8"), file).detections;
    const [detection] = documents;
    const lines = readFileSync(join(detections, file.replace(/\.yml$/, ".cases.ndjson")), "utf8")
      .trim()
      .split("\n");
    return lines.flatMap((line) => {
      const one = JSON.parse(line) as {
        readonly expect: string;
        readonly why: string;
        readonly event?: AuditEvent;
        readonly events?: readonly AuditEvent[];
      };
      const events = one.events ?? [one.event].filter((event) => event !== undefined);
      const event = events.at(-1);
      return detection === undefined || event === undefined || documents.some(({ correlation }) => correlation)
        ? []
        : [{ ...one, before: events.slice(0, -1), event, detection }];
    });
  });
}
