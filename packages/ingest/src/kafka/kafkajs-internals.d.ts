/** The parts of kafkajs 2.2.4 that its own types leave out and {@link file://./kafkajs-timers.ts} mends. */
declare module "kafkajs/src/network/requestQueue/index.js" {
  export default class RequestQueue {
    constructor(options: { readonly clientId: string; readonly broker: string; readonly requestTimeout: number });
    readonly pending: readonly unknown[];
    throttledUntil: number;
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
    destroy(): void;
  }
}

declare module "kafkajs/src/consumer/consumerGroup.js" {
  export default class ConsumerGroup {
    constructor(options: { readonly logger: { readonly namespace: (name: string) => unknown } });
    /** When the last heartbeat was sent, by the clock on the wall, in ms. */
    lastRequest: number;
    heartbeat(options: { readonly interval: number }): Promise<void>;
  }
}
