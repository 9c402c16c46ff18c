import { notUnderstood } from "./asked-request.ts";
import type { ReadRequest } from "./asked-request.ts";

/** A kubectl command line, taken apart. */
export interface KubectlCall {
  readonly command: string;
  /** Words that are no flags, after the command. */
  readonly args: readonly string[];
  /** What stands behind `--`: it goes to the container. */
  readonly rest: readonly string[];
  readonly namespace: string;
  readonly flags: ReadonlyMap<string, string>;
}

const LONG: Readonly<Record<string, string>> = {
  A: "all-namespaces",
  c: "container",
  f: "filename",
  i: "stdin",
  k: "kustomize",
  l: "selector",
  L: "label-columns",
  n: "namespace",
  o: "output",
  p: "patch",
  q: "quiet",
  R: "recursive",
  s: "server",
  t: "tty",
  v: "v",
  w: "watch",
};

const WITHOUT_VALUE = new Set(
  (
    "all all-containers all-namespaces allow-missing-template-keys attach cascade dry-run delete-emptydir-data " +
    "disable-eviction expose follow force force-conflicts ignore-daemonsets ignore-not-found insecure-skip-tls-verify " +
    "leave-stdin-open list local no-headers now overwrite prefix previous privileged quiet record recursive rm " +
    "save-config server-side share-processes show-kind show-labels show-managed-fields stdin timestamps tty wait warnings-as-errors " +
    "watch watch-only"
  ).split(" "),
);

const WITH_VALUE = new Set(
  (
    "address as as-group as-uid as-user-extra audience certificate-authority chunk-size class client-certificate " +
    "client-key cluster clusterrole container context copy-to cpu-percent current-replicas description docker-email " +
    "docker-password docker-server docker-username duration env field-manager field-selector filename for from " +
    "from-env-file from-file from-literal grace-period group hard image kubeconfig kustomize label-columns labels limits " +
    "max max-unavailable min min-available name namespace output overrides patch patch-file pod-running-timeout port " +
    "profile raw replicas request-timeout requests resource resource-name resource-version restart retries revision role " +
    "rule schedule scopes selector server serviceaccount since since-time sort-by subresource tail target target-port " +
    "template timeout tls-server-name to-revision token type user v value verb"
  ).split(" "),
);

/** Takes a kubectl command line apart; refuses flags of which it is not known whether they take a value. */
export function parseKubectl(words: readonly string[]): KubectlCall | (ReadRequest & { readonly outcome: "refused" }) {
  const end = words.indexOf("--");
  const own = end === -1 ? words : words.slice(0, end);
  const flags = new Map<string, string>();
  const plain: string[] = [];
  for (let at = 0; at < own.length; at++) {
    const word = own[at]!;
    const flag = /^--?[^-]/.test(word) ? flagOf(word, plain[0] === "logs") : undefined;
    if (flag === undefined) {
      plain.push(word);
    } else if (flag.value !== undefined || WITHOUT_VALUE.has(flag.name)) {
      flags.set(flag.name, flag.value ?? "true");
    } else if (WITH_VALUE.has(flag.name) && at + 1 < own.length) {
      flags.set(flag.name, own[++at]!);
    } else {
      const what = WITH_VALUE.has(flag.name) ? `${word} has no value` : `it is not known what ${word} means`;
      const refused = notUnderstood(
        `kubectl ${plain.join(" ")} is understood, but ${what}`,
        `Write ${word}=VALUE, or leave it out if it does not change which request is sent`,
      );
      return refused as ReadRequest & { readonly outcome: "refused" };
    }
  }
  const [command = "", ...args] = plain;
  return {
    command,
    args,
    rest: end === -1 ? [] : words.slice(end + 1),
    namespace: flags.get("all-namespaces") === "true" ? "" : (flags.get("namespace") ?? "default"),
    flags,
  };
}

function flagOf(word: string, isLogs: boolean): { readonly name: string; readonly value: string | undefined } {
  const equals = word.indexOf("=");
  if (word.startsWith("--")) {
    return equals === -1
      ? { name: word.slice(2), value: undefined }
      : { name: word.slice(2, equals), value: word.slice(equals + 1) };
  }
  const letter = word[1]!;
  const long = isLogs && letter === "f" ? "follow" : isLogs && letter === "p" ? "previous" : LONG[letter];
  const name = long ?? letter;
  const attached = word.slice(2).replace(/^=/, "");
  // -it and the like are several letters; after one that takes a value comes the value.
  return { name, value: attached === "" ? undefined : WITHOUT_VALUE.has(name) ? "true" : attached };
}
