/** The pages behind the login, with a made-up account and call server. */
import { TooltipProvider } from '@vector-im/compound-web';
import { render } from '@testing-library/react';
import type { HistoryRow } from 'ringback-client';
import type { ReactNode } from 'react';
import { vi } from 'vitest';
import { type HomeTools, HomeContext } from '../home/context';
import type { OngoingCall } from '../home/ongoing';
import { startTranslation } from '../i18n';
import type { AccountSnapshot, RoomSummary } from '../matrix/account';
import { Value } from '../store';

export function room(some: Partial<RoomSummary> = {}): RoomSummary {
  return { roomId: '!r:hs', name: 'Team', avatarMxc: null, avatarId: '!r:hs', directUserId: null, encrypted: false, memberCount: 3, lastActive: 0, ...some };
}

export async function show(page: ReactNode, rooms: readonly RoomSummary[], rows: readonly HistoryRow[] = []) {
  await startTranslation('en');
  const members = Array.from({ length: rooms[0]?.memberCount ?? 0 }, (_, i) => ({ userId: i === 0 ? '@me:hs' : `@user${i}:hs` }));
  const account = new Value<AccountSnapshot>({ sync: 'ready', loaded: true, rooms, invitations: [] });
  const client = new Value({ connection: 'online', deviceId: 'D', retryInMs: null, calls: [] as { snapshot: { roomId: string; phase: string } }[] });
  const history = new Value({ rows, more: false, state: 'ready' as const, missed: 0 });
  const ongoing = new Value<ReadonlyMap<string, OngoingCall>>(new Map());
  const dialled = vi.fn();
  const joined = vi.fn();
  const person = (userId: string) => ({ name: userId, avatarUrl: null });
  const tools = {
    session: { homeserverUrl: 'https://hs', ringbackUrl: 'https://calls', userId: '@me:hs', deviceId: 'D', accessToken: 't' },
    config: { baseUrl: 'https://calls' },
    account: Object.assign(account, { loadMembers: () => Promise.resolve(), retryNow: vi.fn() }),
    people: { version: 0, subscribe: () => () => {}, picture: () => null, user: person, room: () => ({ ...person('!r:hs'), isDirect: false, members }) },
    client: Object.assign(client, { call: dialled, join: joined, reconnectNow: vi.fn() }),
    history: Object.assign(history, { watch: vi.fn(), reload: vi.fn(), loadMore: vi.fn() }),
    ongoing,
    logOut: vi.fn(),
  };
  render(
    <TooltipProvider>
      <HomeContext value={tools as unknown as HomeTools}>{page}</HomeContext>
    </TooltipProvider>,
  );
  return { account, client, ongoing, dialled, joined };
}
