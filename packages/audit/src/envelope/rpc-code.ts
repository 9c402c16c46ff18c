/**
 * HTTP status for each code of google.rpc.Code, in its order, as Google's own gateway maps them; undefined where the number is
 * none of them.
 *
 * @see https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
 */
export function httpStatus(code: number): number | undefined {
  return code >= 100 && code < 600 ? code : STATUS[code];
}

const STATUS: readonly number[] = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];
