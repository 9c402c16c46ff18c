import RequestQueue from "kafkajs/src/network/requestQueue/index.js";

/**
 * After each answer kafkajs 2.2.4 sets a timer for the requests that wait until a broker's throttling ends, also where none waits: from
 * a throttling that never was it is then as long as all the time since 1970, below zero, which Node 24 warns of. Whatever begins to
 * wait later sets a timer itself.
 */
export function setTimersForWaitingOnly(): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with the queue below
  const { scheduleCheckPendingRequests } = RequestQueue.prototype;
  RequestQueue.prototype.scheduleCheckPendingRequests = function schedule(this: RequestQueue): void {
    if (this.pending.length > 0) {
      scheduleCheckPendingRequests.call(this);
    }
  };
}
