import type { RequestAttributes } from "@auditsieve/audit";

/** A request of nobody, for no resource and no path: to be filled in. */
export const BLANK_REQUEST: RequestAttributes = {
  user: undefined,
  verb: "",
  isResourceRequest: false,
  apiGroup: "",
  apiVersion: "",
  resource: "",
  subresource: "",
  namespace: "",
  name: "",
  path: "",
};
