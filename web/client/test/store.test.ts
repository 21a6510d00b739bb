import { expect, it, vi } from 'vitest';
import { Observable } from '../src/store.js';

class Counter extends Observable<{ count: number; name: string }> {
  set(count: number): void {
    this.update({ count });
  }
}

it('replaces the snapshot and tells everyone who still listens', () => {
  const counter = new Counter({ count: 0, name: 'a' });
  const before = counter.snapshot;
  const [first, second] = [vi.fn(), vi.fn()];
  const { subscribe } = counter; // as frameworks call it
  const stop = subscribe(first);
  subscribe(second);
  counter.set(1);
  stop();
  counter.set(2);
  expect(before).toEqual({ count: 0, name: 'a' });
  expect(counter.snapshot).toEqual({ count: 2, name: 'a' });
  expect([first.mock.calls.length, second.mock.calls.length]).toEqual([1, 2]);
});

it('says nothing when nothing is different, and keeps the snapshot', () => {
  const counter = new Counter({ count: 1, name: 'a' });
  const before = counter.snapshot;
  const listener = vi.fn();
  counter.subscribe(listener);
  counter.set(1);
  expect(listener).not.toHaveBeenCalled();
  expect(counter.snapshot).toBe(before);
});

it('counts a listener that subscribes twice as two', () => {
  const counter = new Counter({ count: 0, name: 'a' });
  const listener = vi.fn();
  const stop = counter.subscribe(listener);
  counter.subscribe(listener);
  stop();
  counter.set(1);
  expect(listener).toHaveBeenCalledTimes(1);
});
