import { describe, expect, test, vi } from "vitest";

describe("takeRoom", () => {
  test("takeRoom gives each room to one alone, until it is given back", async () => {
    // Other tests of this process may have taken them.
    vi.resetModules();
    const { returnRoom, takeRoom, takeRooms } = await import("./input-rooms.ts");
    const [first, second] = [takeRoom(), takeRoom()];
    first?.fill(1);
    second?.fill(2);
    expect(first?.length).toBe(512 * 1024);
    expect(first?.every((byte) => byte === 1)).toBe(true);
    expect(takeRoom()).toBeUndefined();
    expect(takeRooms()).toBeUndefined();
    returnRoom(undefined);
    returnRoom(first);
    expect(takeRooms()).toBeUndefined();
    expect(takeRoom()).toEqual(first);
    returnRoom(first);
    returnRoom(second);
    expect(takeRooms()).toHaveLength(2);
  });
});
