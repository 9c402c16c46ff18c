import { cidrTest } from "@auditsieve/detect";
import { isIP } from "node:net";
import { matches } from "./text-pattern.ts";

/**
 * What tells addresses by what a person writes: an address in any of its notations, a network (`10.0.0.0/8`, `fd00::/8`), or a text with
 * `*` for any text. Undefined where it is none of them. IPv4-mapped addresses count as IPv4.
 *
 * @example
 * const isInside = addressTest("10.0.0.0/8");
 * assert.equal(isInside?.("10.1.2.3"), true);
 * assert.equal(addressTest("10.0.0.0/33"), undefined);
 */
export function addressTest(pattern: string): ((address: string) => boolean) | undefined {
  if (pattern.includes("/")) {
    return cidrTest(pattern);
  }
  if (pattern.includes("*")) {
    return (address) => matches(address, pattern);
  }
  const kind = isIP(pattern);
  const isSame = cidrTest(`${pattern}/${kind === 4 ? 32 : 128}`);
  return kind === 0 ? undefined : (address) => address === pattern || isSame?.(address) === true;
}
