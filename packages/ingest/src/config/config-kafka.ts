import { own } from "@auditsieve/audit";
import type { JsonObject } from "@auditsieve/audit";
import type { ConfigReader } from "./config-reader.ts";
import type { KafkaConnection } from "../kafka/kafka-client.ts";

type At = readonly (string | number)[];

/** Keys by which a Kafka source or sink reaches its brokers. */
export const KAFKA_KEYS: readonly string[] = [
  "brokers",
  "topic",
  "tls",
  "caFile",
  "certFile",
  "keyFile",
  "mechanism",
  "username",
  "password",
];

const BROKER = /^(?:\[[0-9a-fA-F:.]+\]|[^:\s/[\]]+):(\d{1,5})$/;
const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/;
/** Characters of a topic's name. */
export const MAX_TOPIC = 249;

/** Reads how the brokers of a source or sink are reached, and the topic. */
export function readKafka(
  reader: ConfigReader,
  given: JsonObject,
  at: At,
  name: string,
): { readonly connection: KafkaConnection; readonly topic: string } | undefined {
  const brokers = reader.texts(given, "brokers", at);
  brokers.forEach((broker, i) => {
    const port = Number(BROKER.exec(broker)?.[1]);
    if (!(port > 0 && port < 65_536)) {
      reader.problem(
        [...at, "brokers", i],
        `brokers[${i}] must be a host and a port`,
        'For example "kafka-1.example:9093"',
      );
    }
  });
  const topic = reader.text(given, "topic", at);
  checkTopic(reader, topic, [...at, "topic"]);
  const tls = readTls(reader, given, at);
  const sasl = readSasl(reader, given, at, tls !== undefined);
  return brokers.length === 0 || topic === undefined
    ? undefined
    : { topic, connection: { brokers, clientId: `auditsieve-${name}`, ...(tls && { tls }), ...(sasl && { sasl }) } };
}

/** Reads the topic in which a source keeps what detections remember, where one is named. */
export function readStateTopic(reader: ConfigReader, given: JsonObject, at: At): string | undefined {
  const topic = reader.optional(given, "stateTopic", at);
  checkTopic(reader, topic, [...at, "stateTopic"]);
  if (topic !== undefined && (topic === own(given, "topic") || own(given, "detectionState") === "folder")) {
    return reader.problem(
      [...at, "stateTopic"],
      topic === own(given, "topic")
        ? "stateTopic is the topic that is read"
        : "it has stateTopic and detectionState: folder",
      "Give one of its own, or leave it out",
    );
  }
  return topic;
}

function checkTopic(reader: ConfigReader, topic: string | undefined, at: At): void {
  if (topic !== undefined && !TOPIC.test(topic)) {
    reader.problem(at, "a topic has only letters, digits, ., _ and -", 'For example "audit"');
  }
}

function readTls(reader: ConfigReader, given: JsonObject, at: At): KafkaConnection["tls"] {
  const ca = reader.certificate(given, "caFile", at);
  const pair = reader.keyPair(given, at);
  const isGiven = (one: string): boolean => own(given, one) !== undefined;
  const isAsked = isGiven("caFile") || isGiven("certFile");
  if (!reader.flag(given, "tls", at, isAsked)) {
    return isAsked
      ? reader.problem([...at, "tls"], "it has certificates and tls: false", "Remove one of them")
      : undefined;
  }
  return { ...(ca !== undefined && { ca }), ...pair };
}

function readSasl(reader: ConfigReader, given: JsonObject, at: At, isTls: boolean): KafkaConnection["sasl"] {
  const username = reader.optional(given, "username", at);
  const password = reader.secret(given, "password", at);
  if (own(given, "username") === undefined && own(given, "password") === undefined) {
    return own(given, "mechanism") === undefined
      ? undefined
      : reader.problem([...at, "mechanism"], "a mechanism needs username and password", "Give both");
  }
  const mechanism = reader.choice(given, "mechanism", at, ["plain", "scram-sha-256", "scram-sha-512"], "scram-sha-512");
  if (mechanism === "plain" && !isTls) {
    reader.problem(
      [...at, "mechanism"],
      "plain sends the password in the clear",
      "Use tls: true, or a scram mechanism",
    );
  }
  return username === undefined || password === undefined || mechanism === undefined
    ? reader.problem(at, "username and password belong together", "Give both")
    : { mechanism, username, password };
}
