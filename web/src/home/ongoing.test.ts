import type { Call, CallConfig, CallSnapshot, ClientEvents } from 'ringback-client';
import { expect, test, vi } from 'vitest';
import { askStatus, type OngoingCall, OngoingCalls } from './ongoing';

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

const me = { userId: '@me', accessToken: 't', homeserverUrl: 'https://hs', ringbackUrl: 'https://calls', deviceId: 'D' };
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

test('the server is asked with the token, and only others who are in the call count', async () => {
  const answer = (status: string, ...joined: string[]) => ({
    session: { status, call_type: 'video' },
    participants: [...joined.map((userId) => ({ matrix_user_id: userId, status: 'joined' })), { matrix_user_id: '@late', status: 'missed' }],
  });
  const fetching = vi.fn();
  vi.stubGlobal('fetch', fetching);
  const ask = askStatus({ baseUrl: 'https://calls' } as CallConfig, me);
  fetching.mockResolvedValueOnce(Response.json(answer('active', '@me', '@a', '@b')));
  expect(await ask('c')).toEqual(going);
  expect(fetching).toHaveBeenCalledWith('https://calls/api/calls/c/status', expect.objectContaining({ headers: { Authorization: 'Bearer t' } }));
  for (const over of [answer('ended', '@a'), answer('active', '@me')]) {
    fetching.mockResolvedValueOnce(Response.json(over));
    expect(await ask('c')).toBeNull();
  }
  fetching.mockResolvedValueOnce(new Response(null, { status: 503 }));
  await expect(ask('c')).rejects.toThrow();
  vi.unstubAllGlobals();
});
