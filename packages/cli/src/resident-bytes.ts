/** Memory of this process, in bytes; undefined where the system does not say: on Linux that is read from /proc, which may not be mounted. */
export function residentBytes(read: () => number = () => process.memoryUsage.rss()): number | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
