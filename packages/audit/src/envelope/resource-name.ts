/** A version of a Kubernetes API, as it stands in a path. */
const API_VERSION = /^v[0-9]+(?:(?:alpha|beta)[0-9]+)?$/;
/** What would end or change a path if it stood in it as it is. */
const UNSAFE = /[%?#\s]|\p{Cc}/gu;

/**
 * The path of the request behind a `resourceName` such as `core/v1/namespaces/shop/pods/web`: the provider names group,
 * version and object, an API server has them in its path. A query is not known.
 */
export function requestPath(resourceName: string): string | undefined {
  const name = resourceName.replace(/^\/+/, "");
  if (name === "") {
    return undefined;
  }
  const path = name.replaceAll(UNSAFE, (character) => encodeURIComponent(character));
  const [group = "", version = ""] = name.split("/", 2);
  if (!API_VERSION.test(version) || group === "api" || group === "apis") {
    return `/${path}`;
  }
  return group === "core" ? `/api/${path.slice("core/".length)}` : `/apis/${path}`;
}
