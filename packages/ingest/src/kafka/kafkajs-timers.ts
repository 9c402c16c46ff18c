import ConsumerGroup from "kafkajs/src/consumer/consumerGroup.js";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";

/** No broker throttles for longer by itself: who would wait longer waits for a clock that was set back. */
const MOST_THROTTLED_MS = 60_000;

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
      this.throttledUntil = Math.min(this.throttledUntil, Date.now() + MOST_THROTTLED_MS);
      scheduleCheckPendingRequests.call(this);
    }
  };
}

/**
 * kafkajs 2.2.4 sends a heartbeat when it is time by the clock on the wall: where that is set back by an hour a member would say nothing for
 * an hour, and lose its partitions after half a minute, again and again.
 */
export function beatWhenTheClockIsSetBack(): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with the group below
  const { heartbeat } = ConsumerGroup.prototype;
  ConsumerGroup.prototype.heartbeat = function beat(this: ConsumerGroup, options): Promise<void> {
    if (this.lastRequest > Date.now()) {
      this.lastRequest = 0;
    }
    return heartbeat.call(this, options);
  };
}
