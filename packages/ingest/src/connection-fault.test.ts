import { expect, test } from "vitest";
import { connectionFault } from "./connection-fault.ts";
import { hintOfConnection } from "./sinks/elasticsearch-faults.ts";
import { failure } from "./kafka/kafkajs-faults.ts";

/** As Node, OpenSSL, undici and kafkajs write them. */
const MESSAGES = [
  ["unable to verify the first certificate", "unknown authority", /caFile/],
  ["self-signed certificate in certificate chain", "unknown authority", /caFile/],
  ["unable to get local issuer certificate", "unknown authority", /caFile/],
  ["certificate has expired", "certificate out of date", /Renew/],
  ["certificate is not yet valid", "certificate out of date", /clock/],
  [
    "Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list",
    "another name",
    /Name the (?:server|brokers) in/,
  ],
  ["80A8:error:0A00010B:SSL routines:ssl3_get_record:wrong version number", "another protocol", /speaks/],
  ["other side closed", "another protocol", /speaks/],
  ["connect ECONNREFUSED 127.0.0.1:9200", "unreachable", /host and port/],
  ["getaddrinfo EAI_AGAIN es.example", "unreachable", /host and port/],
  ["Connect Timeout Error", "unreachable", /host and port/],
  ["Connection timeout", "unreachable", /host and port/],
] as const;

test.each(MESSAGES)("connectionFault: %s, and both clients' hints say what to do", (message, fault, hint) => {
  expect(connectionFault(message)).toBe(fault);
  expect(hintOfConnection(new Error(message))).toMatch(hint);
  expect(failure("reach the brokers", new Error(message)).hint).toMatch(hint);
});

test("connectionFault takes no other message for one", () => {
  expect(connectionFault("This server does not host this topic-partition")).toBeUndefined();
  expect(failure("reach the brokers", new Error("closed")).hint).toContain("Check brokers, tls and sasl");
});
