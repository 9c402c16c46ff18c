import { DEFAULT_KUBERNETES_VERSION, parseKubernetesVersion } from "@auditsieve/policy";
import { Failure } from "./failure.ts";

/** `--kubernetes-version` of every command that loads policies. */
export const KUBERNETES_VERSION_OPTION: {
  readonly type: "string";
  readonly default: string;
  readonly describe: string;
} = {
  type: "string",
  default: DEFAULT_KUBERNETES_VERSION,
  describe: "Version of the apiserver that loads the policy",
};

/** Throws a {@link Failure} for what is no version: it would be taken for the newest one. */
export function refuseNoVersion(version: string): void {
  if (parseKubernetesVersion(version) === undefined) {
    throw new Failure(`Cannot read --kubernetes-version "${version}": it is no version`, {
      hint: "Write it as 1.37 or v1.37.2, as `kubectl version` says it",
    });
  }
}
