import type { ReplayedEvent, ReplayVisitor } from "@auditsieve/replay";

/** More than are looked through for near ones, and longer: an attacker chooses both. */
const MOST = 20_000;
const MOST_LETTERS = 512;

/** Looks on while logs are replayed, for the names of those who act in them. */
export class ActorsSeen implements ReplayVisitor {
  readonly names: Set<string> = new Set();

  begin(): void {
    this.names.clear();
  }

  event({ scan }: ReplayedEvent): void {
    for (const field of ["user.username", "impersonatedUser.username"] as const) {
      const name = scan.text(field);
      if (name !== undefined && name.length <= MOST_LETTERS && this.names.size < MOST) {
        this.names.add(name);
      }
    }
  }
}
