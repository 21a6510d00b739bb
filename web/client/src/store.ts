/** Something that a user interface can show: `snapshot` is immutable and replaced on each change. */
export interface Store<S> {
  readonly snapshot: S;
  /** Returns the function that unsubscribes. */
  subscribe(listener: () => void): () => void;
}

/** A store whose owner replaces the snapshot by `update`. */
export class Observable<S extends object> implements Store<S> {
  #snapshot: S;
  #listeners = new Set<() => void>();

  constructor(snapshot: S) {
    this.#snapshot = snapshot;
  }

  get snapshot(): S {
    return this.#snapshot;
  }

  /** Bound, so that it can be handed over as it is (`useSyncExternalStore(call.subscribe, …)`). */
  readonly subscribe = (listener: () => void): (() => void) => {
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  };

  /** Replaces these fields and tells everyone, unless nothing is different. */
  protected update(fields: Partial<S>): void {
    const keys = Object.keys(fields) as (keyof S)[];
    if (keys.every((key) => Object.is(this.#snapshot[key], fields[key]))) return;
    this.#snapshot = { ...this.#snapshot, ...fields };
    for (const listener of [...this.#listeners]) shielded(listener);
  }
}

/** Calls a listener; what it throws is reported like any uncaught error, and harms nobody else. */
export function shielded(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
