/** Small external stores: an immutable snapshot, and listeners who are told when it is replaced. */
import { useSyncExternalStore } from 'react';

export interface Store<S> {
  readonly snapshot: S;
  subscribe(listener: () => void): () => void;
}

export class Value<S> implements Store<S> {
  #snapshot: S;
  readonly #listeners = new Set<() => void>();

  constructor(initial: S) {
    this.#snapshot = initial;
  }

  get snapshot(): S {
    return this.#snapshot;
  }

  set(next: S): void {
    if (Object.is(next, this.#snapshot)) return;
    this.#snapshot = next;
    for (const listener of [...this.#listeners]) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

/** The store's present snapshot; the component renders again when it is replaced. */
export function useStore<S>(store: Store<S>): S {
  return useSyncExternalStore(
    (listener) => store.subscribe(listener),
    () => store.snapshot,
  );
}
