import { act, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { HistoryRow } from 'ringback-client';
import { expect, test } from 'vitest';
import { room, show } from '../test/home';
import { Banners } from './Banners';
import { HistoryPage } from './HistoryPage';
import { RoomPage } from './RoomPage';
import { RoomsPage } from './RoomsPage';

const voice = () => screen.getByRole('button', { name: 'Voice call' });

test('a call rings everybody in the room', async () => {
  const { dialled } = await show(<RoomPage roomId="!r:hs" />, [room()]);
  await userEvent.click(voice());
  expect(dialled).toHaveBeenCalledWith('!r:hs', { type: 'voice', media: { audio: true, video: false } });
});

test('nobody can be called in a room of one', async () => {
  const { dialled } = await show(<RoomPage roomId="!r:hs" />, [room({ memberCount: 1 })]);
  await userEvent.click(voice());
  expect(dialled).not.toHaveBeenCalled();
  screen.getByText(/Nobody else is in this room/);
});

test('in a room of more than 100, one chooses whom to call', async () => {
  const { dialled } = await show(<RoomPage roomId="!r:hs" />, [room({ memberCount: 101 })]);
  await userEvent.click(voice());
  expect(dialled).not.toHaveBeenCalled();
  const boxes = await screen.findAllByRole('checkbox');
  expect(screen.queryByRole('checkbox', { name: /@me:hs/ })).toBeNull();
  await userEvent.click(boxes[0] as HTMLElement);
  screen.getByText('1 chosen');
  await userEvent.click(voice());
  expect(dialled).toHaveBeenCalledWith('!r:hs', expect.objectContaining({ type: 'voice', invitees: ['@user1:hs'] }));
});

test('a call that goes on in the room can be joined, unless one is in it', async () => {
  const { ongoing, client, joined } = await show(<RoomPage roomId="!r:hs" />, [room()]);
  expect(screen.queryByRole('button', { name: 'Join' })).toBeNull();
  act(() => {
    ongoing.set(new Map([['!r:hs', { callId: 'c', type: 'voice', joined: ['@user1:hs', '@user2:hs'] }]]));
  });
  screen.getByText('2 people are in it');
  await userEvent.click(screen.getByRole('button', { name: 'Join' }));
  expect(joined).toHaveBeenCalledWith('c', expect.objectContaining({ roomId: '!r:hs' }));
  act(() => {
    client.set({ ...client.snapshot, calls: [{ snapshot: { roomId: '!r:hs', phase: 'connected' } }] });
  });
  expect(screen.queryByRole('button', { name: 'Join' })).toBeNull();
});

test('an encrypted room says that calls work', async () => {
  await show(<RoomPage roomId="!r:hs" />, [room({ encrypted: true })]);
  screen.getByText(/Calls work all the same/);
});

test('a room that is not there says so', async () => {
  await show(<RoomPage roomId="!other:hs" />, [room()]);
  screen.getByRole('heading', { name: 'This room is not there (any more)' });
});

test('rooms are found by any of their words, direct chats by their address too', async () => {
  const direct = room({ roomId: '!d:hs', name: 'Carol', directUserId: '@carol:hs' });
  await show(<RoomsPage roomId={null} fresh={false} />, [direct, room({ name: 'Project Team' })]);
  const found = () => ['Carol', 'Project Team'].filter((name) => screen.queryByRole('link', { name: new RegExp(name) }));
  const search = screen.getByRole('searchbox', { name: 'Search rooms' });
  await userEvent.type(search, 'team pro');
  expect(found()).toEqual(['Project Team']);
  await userEvent.clear(search);
  await userEvent.type(search, '@carol');
  expect(found()).toEqual(['Carol']);
  await userEvent.clear(search);
  await userEvent.type(search, 'zzz');
  screen.getByText('No room is called “zzz”.');
});

test('without rooms there is a way to begin', async () => {
  await show(<RoomsPage roomId={null} fresh={false} />, []);
  screen.getByText('No rooms yet');
});

test('past calls tell how they went, and can be called back', async () => {
  const row = (callId: string, some: Partial<HistoryRow>): HistoryRow => ({
    callId,
    roomId: '!r:hs',
    callType: 'voice',
    initiatorId: '@user1:hs',
    direction: 'incoming',
    outcome: 'answered',
    missed: false,
    seen: true,
    createdAt: new Date().toISOString(),
    startedAt: null,
    endedAt: new Date().toISOString(),
    durationMs: null,
    ...some,
  });
  const rows = [
    row('1', { missed: true, outcome: 'missed' }),
    row('2', { direction: 'outgoing', callType: 'video', durationMs: 65_000 }),
    row('3', { direction: 'outgoing', outcome: 'missed' }),
    row('4', { roomId: '!left:hs', outcome: 'rejected' }),
  ];
  const { dialled } = await show(<HistoryPage />, [room()], rows);
  const today = within(screen.getByRole('region', { name: 'Today' })).getAllByRole('listitem');
  const [missed, outgoing, unanswered, left] = today as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];
  expect(missed.textContent).toContain('Missed');
  expect(outgoing.textContent).toContain('Duration 1:05');
  expect(unanswered.textContent).toContain('No answer');
  expect(left.textContent).toContain('@user1:hs');
  expect(within(left).queryByRole('button')).toBeNull();
  await userEvent.click(within(outgoing).getByRole('button', { name: 'Call back' }));
  expect(dialled).toHaveBeenCalledWith('!r:hs', expect.objectContaining({ type: 'video' }));
});

test('a lost connection is told, and gone when it is back', async () => {
  const { client } = await show(<Banners />, [room()]);
  act(() => {
    client.set({ ...client.snapshot, connection: 'reconnecting' });
  });
  await screen.findByText('Reconnecting…');
  act(() => {
    client.set({ ...client.snapshot, connection: 'online' });
  });
  expect(screen.queryByText('Reconnecting…')).toBeNull();
});
