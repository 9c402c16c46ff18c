/** The version that a policy is loaded for where none is said: the newest that this project knows. */
export const DEFAULT_KUBERNETES_VERSION = "1.37";

/**
 * `1.37`, `v1.37.2` and `1.37.2-eks-1` as numbers, or undefined for what is no version.
 *
 * @example
 * assert.deepEqual(parseKubernetesVersion("v1.37.2"), { major: 1, minor: 37 });
 */
export function parseKubernetesVersion(
  version: string,
): { readonly major: number; readonly minor: number } | undefined {
  const match = /^v?(\d+)\.(\d+)(?:[.+-].*)?$/.exec(version);
  return match ? { major: Number(match[1]), minor: Number(match[2]) } : undefined;
}

/**
 * Whether an apiserver of this version accepts `group: "*"`: from 1.36 on; before, it refuses to start.
 *
 * @see https://github.com/kubernetes/kubernetes/pull/135262
 */
export function isGroupWildcardAllowed(version: string): boolean {
  const parsed = parseKubernetesVersion(version);
  return parsed === undefined || parsed.major > 1 || parsed.minor >= 36;
}
