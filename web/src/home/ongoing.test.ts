import type { Call, CallSnapshot, ClientEvents } from 'ringback-client';
import { expect, test, vi } from 'vitest';
import { type OngoingCall, OngoingCalls } from './ongoing';

function client() {
  let over: (e: { call: Call }) => void = () => {};
  const on = <E extends keyof ClientEvents>(event: E, listener: (e: ClientEvents[E]) => void) => {
    if (event === 'over') over = listener as typeof over;
    return () => {};
  };
  const ends = (some: Partial<CallSnapshot>) => {
    over({ call: { snapshot: { callId: 'c', roomId: '!r', isGroup: true, outcome: 'left', ...some } } as Call });
  };
  return { on, ends };
}

const going: OngoingCall = { callId: 'c', type: 'video', joined: ['@a', '@b'] };

test('a group call that one has left can be joined for as long as it goes on', async () => {
  vi.useFakeTimers();
  let status: OngoingCall | null = going;
  const { on, ends } = client();
  const calls = new OngoingCalls({ on }, () => Promise.resolve(status));
  calls.start();
  ends({});
  await vi.advanceTimersByTimeAsync(0);
  expect(calls.snapshot.get('!r')).toEqual(going);
  status = null;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(calls.snapshot.size).toBe(0);
  calls.close();
  vi.useRealTimers();
});

test('a call between two, or one that has ended, is nothing to join', async () => {
  const ask = vi.fn(() => Promise.resolve(going));
  const { on, ends } = client();
  const calls = new OngoingCalls({ on }, ask);
  calls.start();
  ends({ isGroup: false });
  ends({ outcome: 'ended' });
  await Promise.resolve();
  expect(ask).not.toHaveBeenCalled();
  expect(calls.snapshot.size).toBe(0);
  calls.close();
});
