/** With it each line of a log begins, and a list of events: by chance these bytes stand nowhere in what is packed. */
export const EVENT: Buffer = Buffer.from('{"kind":"Event');

/** Whether an event begins there. */
export function isEventAt(bytes: Buffer, at: number): boolean {
  return bytes.length - at >= EVENT.length && bytes.compare(EVENT, 0, EVENT.length, at, at + EVENT.length) === 0;
}
