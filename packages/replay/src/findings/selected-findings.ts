import type { Finding } from "@auditsieve/detect";
import { isSelected } from "../selection/selection.ts";
import type { Selection } from "../selection/selection.ts";
import { FindingStore } from "./finding-store.ts";
import type { FindingStoreOptions, FindingStoreSnapshot } from "./finding-store.ts";

/** What {@link SelectedFindings.restore} goes on from. */
export interface SelectedSnapshot {
  readonly store: FindingStoreSnapshot;
  readonly notSelected: number;
}

/** Keeps the findings that are asked for, and counts the others. */
export class SelectedFindings {
  readonly store: FindingStore;
  notSelected = 0;
  readonly #selection: Selection;

  constructor(selection: Selection, options: FindingStoreOptions | undefined) {
    this.store = new FindingStore(options);
    this.#selection = selection;
  }

  add(finding: Finding): void {
    if (isSelected(finding, this.#selection)) {
      this.store.add(finding);
    } else {
      this.notSelected++;
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.store.close();
    this.notSelected = 0;
  }

  snapshot(): SelectedSnapshot {
    return { store: this.store.snapshot(), notSelected: this.notSelected };
  }

  restore({ store, notSelected }: SelectedSnapshot): void {
    this.store.restore(store);
    this.notSelected = notSelected;
  }
}
