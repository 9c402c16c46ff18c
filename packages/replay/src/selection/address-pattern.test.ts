import { describe, expect, test } from "vitest";
import { addressTest } from "./address-pattern.ts";

describe("addressTest", () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ["10.0.0.7", ["10.0.0.7", "::ffff:10.0.0.7"], ["10.0.0.70", "10.0.0.8", "", "unknown"]],
    ["fd00::7", ["fd00::7", "FD00:0:0::0007"], ["fd00::8", "0.0.0.7"]],
    ["fe80::1%eth0", ["fe80::1%eth0"], ["fe80::1", "fe80::1%eth1"]],
    ["10.0.0.0/8", ["10.255.0.1", "::ffff:10.0.0.1"], ["11.0.0.1", "a00::1", "10.0.0"]],
    ["192.0.2.77/31", ["192.0.2.76", "192.0.2.77"], ["192.0.2.78"]],
    ["0.0.0.0/0", ["8.8.8.8"], ["fd00::1", "not an address"]],
    ["fd00::/8", ["fd12:3456::1", "fdff::"], ["fe00::1", "10.0.0.1"]],
    ["::/0", ["::1"], ["10.0.0.1", "::ffff:10.0.0.1"]],
    ["10.0.*", ["10.0.1.2"], ["10.1.0.2"]],
  ])("addressTest of %s takes what is meant and nothing else", (pattern, inside, outside) => {
    const isMeant = addressTest(pattern);
    expect(inside.filter((each) => isMeant?.(each) === true)).toEqual(inside);
    expect(outside.filter((each) => isMeant?.(each) === true)).toEqual([]);
  });

  test.each([
    "",
    "host",
    "10.0.0",
    "10.0.0.256",
    "010.0.0.1",
    "10.0.0.0/33",
    "fd00::/129",
    "10.0.0.0/",
    "/8",
    "10.0.*/8",
  ])("addressTest refuses %j", (pattern) => {
    expect(addressTest(pattern)).toBeUndefined();
  });
});
