const NAME = String.raw`[\w.:-]{0,253}`;
const QUOTED = String.raw`"[^"\\\n]{0,512}"`;
const SCOPE = String.raw`(?: in the namespace "${NAME}"| at the cluster scope)?`;
const CANNOT = String.raw`User ${QUOTED} cannot [\w:-]{1,64} resource "[\w./-]{1,128}" in API group "[\w.-]{0,253}"${SCOPE}`;
const WHO = String.raw`[\w./-]{1,128}(?: "${NAME}")?`;

/** What the apiserver says without repeating the client's body. */
const OWN_WORDS = [
  String.raw`${WHO} not found`,
  String.raw`${WHO} already exists`,
  String.raw`${WHO} is forbidden: ${CANNOT}`,
  String.raw`${WHO} is forbidden: ${CANNOT}: no relationship found between node '${NAME}' and this object`,
  String.raw`${WHO} is forbidden: ${CANNOT}: can only (?:get|read) [\w ]{1,64}`,
  String.raw`${WHO} is forbidden: unable to create new content in namespace ${NAME} because it is being terminated`,
  String.raw`Operation cannot be fulfilled on ${WHO}: the object has been modified; please apply your changes to the latest version and try again`,
  String.raw`the server could not find the requested resource`,
  String.raw`Unauthorized|Forbidden|forbidden`,
].map((words) => new RegExp(`^(?:${words})$`));

/**
 * Whether a status message can be shown although the request carried secrets: a known sentence of the apiserver with
 * nothing in it but names. Any other may quote the client's body (`invalid character …`, `Invalid value: "…"`).
 */
export function isOwnWords(message: string): boolean {
  return message.length <= 4096 && OWN_WORDS.some((words) => words.test(message));
}
