import { describe, expect, test } from "vitest";
import { asksDryRun, isDryRun } from "./dry-run.ts";

const BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";

describe("asksDryRun", () => {
  test.each([
    ["?dryRun=All", true],
    ["?fieldManager=kubectl&dryRun=All", true],
    ["?dry%52un=%41ll", true],
    ["", false],
    ["/dryRun=All", false],
    ["?dryRun=", false],
    // What looks like it and is not: the write is real.
    ["?fieldManager=a?dryRun=All", false],
    ["?fieldManager=a%26dryRun=All", false],
    ["?dryRun=All%zz", false],
    ["?dryRun=All;x", false],
    ["?dryrun=All", false],
  ])("asksDryRun reads a query as the apiserver does: %s", (query, isAsked) => {
    expect(asksDryRun(`${BINDINGS}${query}`)).toBe(isAsked);
  });
});

describe("isDryRun", () => {
  const options = (dryRun: readonly string[]) => ({ kind: "DeleteOptions", apiVersion: "v1", dryRun });

  test.each<[string, Parameters<typeof isDryRun>[0], boolean | undefined]>([
    ["a creation", { verb: "create", requestURI: `${BINDINGS}?dryRun=All`, level: "Metadata" }, true],
    [
      "a deletion whose body asks for none",
      { verb: "delete", requestURI: `${BINDINGS}/b?dryRun=All`, level: "Request", requestObject: options([]) },
      false,
    ],
    [
      "a deletion whose body asks for it",
      { verb: "delete", requestURI: `${BINDINGS}/b`, level: "Request", requestObject: options(["All"]) },
      true,
    ],
    ["a deletion without a body", { verb: "delete", requestURI: `${BINDINGS}/b?dryRun=All`, level: "Request" }, true],
    [
      "a deletion whose body may have asked for none",
      {
        verb: "deletecollection",
        requestURI: `${BINDINGS}?dryRun=All`,
        level: "Metadata",
      },
      undefined,
    ],
    ["a deletion at Metadata", { verb: "delete", requestURI: `${BINDINGS}/b`, level: "Metadata" }, false],
  ])("isDryRun tells a trial: %s", (_name, request, is) => {
    expect(isDryRun(request)).toBe(is);
  });

  test("isDryRun reads no body but that of a deletion: whoever reads it may have to parse it", () => {
    const read = (verb: string): boolean => {
      let isRead = false;
      isDryRun({
        verb,
        requestURI: BINDINGS,
        level: "Request",
        get requestObject() {
          isRead = true;
          return {};
        },
      });
      return isRead;
    };
    expect(["create", "update", "patch", "delete", "deletecollection"].map(read)).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
  });
});
