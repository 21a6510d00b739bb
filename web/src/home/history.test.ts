import type { HistoryPage, HistoryRow, RingbackClient } from 'ringback-client';
import { expect, test, vi } from 'vitest';
import { byDay, CallHistory, clock } from './history';

function row(callId: string, createdAt: string, some: Partial<HistoryRow> = {}): HistoryRow {
  const rest = { roomId: '!r', callType: 'voice', initiatorId: '@a', direction: 'incoming', outcome: 'missed', missed: true, seen: false } as const;
  return { callId, createdAt, startedAt: null, endedAt: createdAt, durationMs: null, ...rest, ...some };
}

function server(pages: Record<string, HistoryPage>, missed = 0) {
  const listeners = new Map<string, () => void>();
  return {
    listeners,
    history: vi.fn(({ from = '' }: { from?: string } = {}) => (from in pages ? Promise.resolve(pages[from] as HistoryPage) : Promise.reject(new Error('away')))),
    missedCount: vi.fn(() => Promise.resolve(missed)),
    markSeen: vi.fn(() => {
      missed = 0;
      return Promise.resolve();
    }),
    on: ((event, listener) => {
      listeners.set(event, listener as () => void);
      return () => listeners.delete(event);
    }) as RingbackClient['on'],
  };
}

const first = { calls: [row('b', '2026-03-02T10:00:00Z')], nextBatch: 'n' };

test('pages follow each other until there is none', async () => {
  const history = new CallHistory(server({ '': first, n: { calls: [row('a', '2026-03-01T10:00:00Z')] } }));
  await history.reload();
  expect(history.snapshot).toMatchObject({ state: 'ready', more: true });
  await history.loadMore();
  expect(history.snapshot.rows.map(({ callId }) => callId)).toEqual(['b', 'a']);
  expect(history.snapshot.more).toBe(false);
});

test('missed calls are seen while somebody looks, those that come then too', async () => {
  const calls = server({ '': first }, 2);
  const history = new CallHistory(calls);
  await history.reload();
  expect(history.snapshot.missed).toBe(2);
  history.watch(true);
  await vi.waitFor(() => {
    expect(history.snapshot.missed).toBe(0);
  });
  history.watch(false);
  expect(calls.markSeen).toHaveBeenCalledTimes(1);
});

test('what is shown stays while the server is away, and can be asked for again', async () => {
  const pages: Record<string, HistoryPage> = { '': first };
  const history = new CallHistory(server(pages));
  await history.reload();
  await history.loadMore();
  expect(history.snapshot).toMatchObject({ state: 'failed', more: true });
  expect(history.snapshot.rows).toHaveLength(1);
  pages.n = { calls: [] };
  await history.loadMore();
  expect(history.snapshot).toMatchObject({ state: 'ready', more: false });
});

test('a call that ends brings the list up to date', async () => {
  const calls = server({ '': first });
  const history = new CallHistory(calls);
  history.start();
  calls.listeners.get('over')?.();
  await vi.waitFor(() => {
    expect(calls.history).toHaveBeenCalledTimes(2);
  });
});

test('calls of one local day stand together', () => {
  const local = (day: number, hour: number) => new Date(2026, 2, day, hour).toISOString();
  const days = byDay([row('c', local(2, 23)), row('b', local(2, 0)), row('a', local(1, 23))]);
  expect(days.map(({ rows }) => rows.map(({ callId }) => callId))).toEqual([['c', 'b'], ['a']]);
});

test.each([
  [0, '0:00'],
  [7_400, '0:07'],
  [725_000, '12:05'],
  [3_723_000, '1:02:03'],
])('%d ms read %s', (ms, text) => {
  expect(clock(ms)).toBe(text);
});
