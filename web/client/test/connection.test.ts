import { afterEach, describe, expect, it, vi } from 'vitest';
import { settle } from './fakes.js';
import { dial, hold, stage } from './stage.js';

vi.mock('socket.io-client', () => ({ io: () => hold.socket }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the connection', () => {
  it('registers, and knows its device', async () => {
    const { client, socket } = await stage();
    expect(socket.last('register-user').data).toEqual({ userId: '@alice:localhost', accessToken: 'secret' });
    expect(client.snapshot).toMatchObject({ connection: 'online', deviceId: 'PHONE', retryInMs: null });
  });

  it('resumes after the last event that came, and sends again what nobody acknowledged', async () => {
    const phone = await stage();
    const { client, socket } = phone;
    await dial(phone);
    socket.says('callee-busy', { callId: 'c1', userId: '@bob:localhost', eventId: 7 });
    const before = socket.names().filter((name) => name === 'webrtc-offer').length;
    expect(before).toBe(1);
    socket.drop();
    expect(client.snapshot.connection).toBe('reconnecting');
    expect(client.snapshot.retryInMs).not.toBeNull();
    await vi.advanceTimersByTimeAsync(1000);
    await phone.register('s1');
    expect(socket.last('register-user').data).toMatchObject({ sessionId: 's1', lastEventId: 7 });
    expect(socket.names().filter((name) => name === 'webrtc-offer')).toHaveLength(before);
  });

  it('drops signals when the session is lost, for the peers negotiate anew', async () => {
    const phone = await stage();
    await dial(phone);
    phone.socket.drop();
    await vi.advanceTimersByTimeAsync(1000);
    await phone.register('s2');
    expect(phone.socket.names()).not.toContain('webrtc-offer');
    expect(phone.socket.last('register-user').data).toMatchObject({ sessionId: 's1' });
  });

  it('hears an event once that is told twice', async () => {
    const { client, socket } = await stage();
    const heard = vi.fn();
    client.on('event', heard);
    for (const eventId of [1, 1, 2]) socket.says('call-ended', { callId: 'x', endedBy: 'system', reason: 'hangup', eventId });
    expect(heard).toHaveBeenCalledTimes(2);
  });

  it('tries again with growing pauses, and at once when it is asked to', async () => {
    const { client, socket } = await stage();
    socket.drop();
    const pauses: number[] = [];
    for (let tries = 0; tries < 4; tries += 1) {
      pauses.push(client.snapshot.retryInMs ?? -1);
      const before = socket.connects;
      await vi.advanceTimersByTimeAsync((client.snapshot.retryInMs ?? 0) + 1);
      expect(socket.connects).toBe(before + 1);
      socket.fail();
    }
    expect(pauses[0]).toBe(0);
    expect(pauses[1]).toBeGreaterThanOrEqual(500);
    expect(pauses[3]).toBeGreaterThanOrEqual(2000);
    const before = socket.connects;
    client.reconnectNow();
    expect(socket.connects).toBe(before + 1);
    expect(client.snapshot.retryInMs).toBeNull();
  });

  it('waits as long as a server says that goes', async () => {
    const { client, socket } = await stage();
    socket.says('server-shutdown', { reconnectAfterMs: 3000 });
    socket.drop();
    expect(client.snapshot.retryInMs).toBeGreaterThanOrEqual(3000);
    expect(client.snapshot.retryInMs).toBeLessThanOrEqual(4500);
  });

  it('comes back after the server has closed the connection', async () => {
    const { client, socket, register } = await stage();
    socket.drop('io server disconnect');
    await vi.advanceTimersByTimeAsync(1000);
    await register('s1');
    expect(client.snapshot.connection).toBe('online');
  });

  it('stops, and says so, when the token is refused', async () => {
    const { client, socket, heard } = await stage();
    socket.drop('io server disconnect');
    await vi.advanceTimersByTimeAsync(1000);
    socket.open();
    await settle();
    socket.last('register-user').ack({ ok: false, errcode: 'M_UNKNOWN_TOKEN', error: 'Log in again.' });
    await settle();
    expect(client.snapshot.connection).toBe('refused');
    expect(heard).toEqual(['refused']);
    const before = socket.connects;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(socket.connects).toBe(before);
  });

  it('asks for a newer token before it gives up', async () => {
    let token = 'old';
    const { client, socket } = await stage({ accessToken: () => token });
    socket.drop();
    await vi.advanceTimersByTimeAsync(1000);
    socket.open();
    await settle();
    token = 'new';
    socket.last('register-user').ack({ ok: false, errcode: 'M_UNKNOWN_TOKEN', error: 'Log in again.' });
    await settle();
    socket.open();
    await settle();
    expect(socket.last('register-user').data).toMatchObject({ accessToken: 'new' });
    expect(client.snapshot.connection).toBe('reconnecting');
  });

  it('tries later when the homeserver is away', async () => {
    const { client, socket, register } = await stage();
    socket.drop();
    await vi.advanceTimersByTimeAsync(1000);
    socket.open();
    await settle();
    socket.last('register-user').ack({ ok: false, errcode: 'RINGBACK_HOMESERVER', error: 'The homeserver is away.' });
    expect(client.snapshot.connection).toBe('reconnecting');
    await vi.advanceTimersByTimeAsync(5000);
    await register('s1');
    expect(client.snapshot.connection).toBe('online');
  });

  it('never puts the token into an address', async () => {
    const phone = await stage();
    phone.server.on('/api/calls/history', () => ({ body: { calls: [] } }));
    await phone.client.history({ limit: 5 });
    const [request] = phone.server.asked('/api/calls/history');
    expect(request?.headers['Authorization']).toBe('Bearer secret');
    expect(JSON.stringify(request?.path)).not.toContain('secret');
  });

  it('counts missed calls over all pages', async () => {
    const phone = await stage();
    let pages = 0;
    const row = (missed: boolean, seen: boolean) => ({ missed, seen });
    phone.server.on('/api/calls/history', () => ({ body: { calls: [row(true, false), row(true, true), row(false, true)], ...((pages += 1) < 3 && { nextBatch: 'n' }) } }));
    expect(await phone.client.missedCount()).toBe(3);
  });
});
