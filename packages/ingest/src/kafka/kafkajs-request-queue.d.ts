/** The part of kafkajs 2.2.4 that its own types leave out and {@link file://./kafkajs-timers.ts} mends. */
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
