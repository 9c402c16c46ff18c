import { gzipSync } from "node:zlib";

/**
 * Synthetic envelopes around events: shapes as the providers document them, all values invented. Not recorded from a cloud.
 */

/** What an audit webhook posts, and what people make of it: the events as they are, in one document. */
export function eventList(events: readonly string[]): string {
  return `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${events.join(",")}]}\n`;
}

/** A document of a CloudWatch subscription (Kinesis, Lambda, Firehose). */
export function cloudWatchSubscription(messages: readonly string[]): string {
  const logEvents = messages.map((message, i) => ({ id: `3818${i}`, timestamp: 1_795_478_006_471 + i, message }));
  return JSON.stringify({
    messageType: "DATA_MESSAGE",
    owner: "111122223333",
    logGroup: "/aws/eks/synthetic/cluster",
    logStream: "kube-apiserver-audit-0123456789abcdef",
    subscriptionFilters: ["audit"],
    logEvents,
  });
}

/** The lines of a file that CloudWatch has exported. */
export function cloudWatchExport(messages: readonly string[]): string {
  return messages.map((message) => `2026-11-24T00:13:26.471Z ${message}\n`).join("");
}

/** A diagnostic record of AKS, as a storage account has it, one a line. */
export function aksRecord(log: string): string {
  return JSON.stringify({
    operationName: "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
    category: "kube-audit",
    ccpNamespace: "0123456789abcdef01234567",
    resourceId: "/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000/RESOURCEGROUPS/SYNTHETIC",
    properties: { log: `${log}\n`, stream: "stdout", pod: "kube-apiserver-0123456789-abcde" },
    time: "2026-11-24T00:13:26.4719190Z",
    Cloud: "AzureCloud",
  });
}

/** What an event hub gives of diagnostic records. */
export function aksRecords(logs: readonly string[]): string {
  return `{"records":[${logs.map(aksRecord).join(",")}]}`;
}

/** What a Lambda function gets of a CloudWatch subscription: each text a gzip member. */
export function awsLogs(...texts: readonly string[]): string {
  return JSON.stringify({ awslogs: { data: packed(texts) } });
}

/** What Firehose gives a Lambda function to transform: a record for each text. */
export function firehoseRecords(texts: readonly string[]): string {
  const records = texts.map((text, i) => ({ recordId: `${i}`, approximateArrivalTimestamp: 1, data: packed([text]) }));
  return JSON.stringify({
    invocationId: "i",
    deliveryStreamArn: "arn:aws:firehose:x",
    region: "eu-central-1",
    records,
  });
}

/** What a Lambda function gets of a Kinesis stream. */
export function kinesisRecords(texts: readonly string[]): string {
  const Records = texts.map((text) => ({
    eventSource: "aws:kinesis",
    kinesis: { kinesisSchemaVersion: "1.0", partitionKey: "p", data: packed([text]) },
    eventName: "aws:kinesis:record",
  }));
  return JSON.stringify({ Records });
}

/** Of several texts, members one behind the other. */
function packed(texts: readonly string[]): string {
  return Buffer.concat(texts.map((text) => gzipSync(text))).toString("base64");
}

/** The payload of a LogEntry of GKE; `with` replaces or adds members. */
export function gkePayload(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
    authenticationInfo: { principalEmail: "jane@synthetic.example" },
    authorizationInfo: [
      { granted: true, permission: "io.k8s.core.v1.pods.create", resource: "core/v1/namespaces/shop/pods/web" },
    ],
    methodName: "io.k8s.core.v1.pods.create",
    requestMetadata: { callerIp: "192.0.2.7", callerSuppliedUserAgent: "kubectl/v1.37.2 (linux/amd64)" },
    resourceName: "core/v1/namespaces/shop/pods/web",
    serviceName: "k8s.io",
    status: {},
    ...changes,
  };
}

/** A LogEntry of GKE's audit log. `bodies` is JSON text that is put into the payload as it is. */
export function gkeEntry(payload: Readonly<Record<string, unknown>> = gkePayload(), bodies = ""): string {
  const text = JSON.stringify({
    protoPayload: payload,
    insertId: "6f1c0a52-7e9b-4a53-9a52-0c3ad7e7d6aa",
    resource: { type: "k8s_cluster", labels: { cluster_name: "synthetic", location: "europe-west6", project_id: "p" } },
    timestamp: "2026-11-24T00:13:26.471919Z",
    labels: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC: …" },
    logName: "projects/p/logs/cloudaudit.googleapis.com%2Factivity",
    operation: { id: "6f1c0a52-7e9b-4a53-9a52-0c3ad7e7d6aa", producer: "k8s.io", first: true, last: true },
    receiveTimestamp: "2026-11-24T00:13:27.000000001Z",
  });
  return text.replace('"serviceName":', `${bodies}"serviceName":`);
}
