import { act, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { I18nextProvider } from 'react-i18next';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { i18next, startTranslation } from '../i18n';
import { CallLayer } from '.';
import { FakeCall, FakeClient, noMedia, peer, people, snapshot } from './gallery/fakes';

const BOB = '@bob:example.org';
const incoming = (some: Parameters<typeof snapshot>[0] = {}) => new FakeCall(snapshot({ direction: 'incoming', phase: 'incoming', ...some }));
const connected = (some: Parameters<typeof snapshot>[0] = {}) =>
  new FakeCall(snapshot({ answeredAt: Date.now(), peers: [peer(BOB)], others: [{ userId: BOB, status: 'joined' }], ...some }));

beforeAll(async () => {
  await startTranslation('en');
});
beforeEach(() => {
  // jsdom lays nothing out.
  vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(1280);
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(720);
});
afterEach(() => vi.restoreAllMocks());

function show(...calls: FakeCall[]) {
  const client = new FakeClient(calls);
  const user = userEvent.setup();
  const rendered = render(
    <I18nextProvider i18n={i18next}>
      <input aria-label="Message" />
      <CallLayer client={client.asClient} people={people} />
    </I18nextProvider>,
  );
  const change = (call: FakeCall, some: Parameters<FakeCall['change']>[0]) => act(() => call.change(some));
  return { client, user, change, ...rendered };
}
const button = (name: string) => screen.getByRole('button', { name });

describe('a call that rings', () => {
  test('is a dialog with three answers, and nothing else can be reached', () => {
    const { container } = show(incoming());
    const dialog = screen.getByRole('dialog', { name: 'Incoming video call from Bob' });
    expect(within(dialog).getAllByRole('button').map(({ textContent }) => textContent)).toEqual(['Reject', 'Accept without video', 'Accept']);
    expect(container.hasAttribute('inert')).toBe(true);
    expect(document.activeElement).toBe(button('Accept'));
  });

  test('without a picture has two answers', () => {
    show(incoming({ type: 'voice' }));
    expect(screen.getByRole('dialog', { name: 'Incoming voice call from Bob' })).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Accept without video' })).toBeNull();
  });

  test.each([
    ['Accept', 'accept with video'],
    ['Accept without video', 'accept'],
    ['Reject', 'reject'],
  ])('«%s» does just that', async (name, asked) => {
    const call = incoming();
    const { user } = show(call);
    await user.click(button(name));
    expect(call.asked).toEqual([asked]);
  });

  test('is not answered by the Enter of somebody who types, and gives the focus back', async () => {
    const call = incoming();
    const { client, user } = show();
    vi.spyOn(performance, 'now').mockReturnValue(1000); // however slow the machine is
    await user.click(screen.getByLabelText('Message'));
    act(() => client.show(call));
    await user.keyboard('hello{Enter}');
    expect(call.asked).toEqual([]);
    act(() => client.show());
    expect(document.activeElement).toBe(screen.getByLabelText('Message'));
  });

  test('is answered by Enter after a moment', async () => {
    const call = incoming();
    const { user } = show(call);
    const later = performance.now() + 600;
    vi.spyOn(performance, 'now').mockReturnValue(later);
    await user.keyboard('{Enter}');
    expect(call.asked).toEqual(['accept with video']);
  });

  test('names its room where that is more than the caller', () => {
    show(incoming({ roomId: '!garden:example.org', isGroup: true }));
    expect(screen.getByText('in Garden planning committee')).toBeTruthy();
  });

  test('beside others is one of a list', async () => {
    const [first, second] = [incoming(), incoming({ callId: '2', type: 'voice', initiatorId: '@carol:example.org' })];
    const { user } = show(first, second);
    const row = screen.getByRole('group', { name: 'Incoming voice call from Carol Winterbottom' });
    await user.click(within(row).getByRole('button', { name: 'Reject' }));
    expect([first.asked, second.asked]).toEqual([[], ['reject']]);
    expect(document.title).toBe('2 calls are ringing');
  });

  test('and stops because another device has it, leaves a note that goes', () => {
    vi.useFakeTimers();
    const call = incoming();
    const { change } = show(call);
    change(call, { phase: 'over', outcome: 'answered-elsewhere' });
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(screen.getByText('Answered on another device')).toBeTruthy();
    expect(button('Take the call over here')).toBeTruthy();
    act(() => void vi.advanceTimersByTime(10_000));
    expect(screen.queryByText('Answered on another device')).toBeNull();
    vi.useRealTimers();
  });

  test('and is missed, leaves a note that stays, with a way to call back', async () => {
    const { client, user } = show(incoming({ phase: 'over', outcome: 'missed' }));
    expect(screen.getByText('Missed call from Bob')).toBeTruthy();
    await user.click(button('Call back'));
    expect(client.dialled).toEqual(['video !pair:example.org']);
  });

  test('blinks in the title until it stops', () => {
    document.title = 'Ringback';
    const call = incoming();
    const { change } = show(call);
    expect(document.title).toBe('Bob is calling');
    change(call, { phase: 'connecting' });
    expect(document.title).toBe('Ringback');
  });
});

describe('a call that rings during another', () => {
  test('is a banner that leaves the focus alone; accepting it hangs up first', async () => {
    const [live, second] = [connected(), incoming({ callId: '2', initiatorId: '@carol:example.org', busy: true })];
    const { user } = show(live, second);
    const banner = screen.getByRole('alertdialog', { name: 'Incoming video call from Carol Winterbottom' });
    expect(banner.contains(document.activeElement)).toBe(false);
    await user.click(within(banner).getByRole('button', { name: 'Hang up and accept' }));
    expect(live.asked).toEqual(['hang up', 'dismiss']);
    expect(second.asked).toEqual(['accept with video']);
  });

  test('is rejected as busy', async () => {
    const [live, second] = [connected(), incoming({ callId: '2', initiatorId: '@carol:example.org' })];
    const { user } = show(live, second);
    await user.click(button('Reject'));
    expect(second.asked).toEqual(['reject busy']);
    expect(live.asked).toEqual([]);
  });
});

describe('a call that is dialled', () => {
  test('tells what happens until the time stands there', () => {
    const call = new FakeCall(snapshot({ phase: 'calling' }));
    const { change } = show(call);
    const says = () => screen.getAllByRole('status').map(({ textContent }) => textContent);
    expect(says()).toContain('Calling…');
    change(call, { phase: 'ringing', ringingDevices: 2 });
    expect(says()).toContain('Ringing on 2 devices');
    change(call, { phase: 'connecting' });
    expect(says()).toContain('Connecting…');
    change(call, { phase: 'connected', answeredAt: Date.now() - 187_000, peers: [peer(BOB)] });
    expect(screen.getByRole('timer').textContent).toBe('3:07');
  });

  test.each([
    ['rejected', 'Declined'],
    ['busy', 'Busy'],
    ['missed', 'No answer'],
    ['unreachable', 'Unreachable'],
  ] as const)('and is %s can be dialled again', async (outcome, text) => {
    const call = new FakeCall(snapshot({ phase: 'ringing', type: 'voice' }));
    const { client, user, change } = show(call);
    change(call, { phase: 'over', outcome });
    expect(screen.getByText(text)).toBeTruthy();
    await user.click(button('Call again'));
    expect(call.asked).toEqual(['dismiss']);
    expect(client.dialled).toEqual(['voice !pair:example.org']);
  });

  test('into a room that has a call may join that one', async () => {
    const error = Object.assign(new Error('exists'), { errcode: 'RINGBACK_CALL_EXISTS', callId: 'abc' });
    const { client, user } = show(new FakeCall(snapshot({ phase: 'over', outcome: 'failed', error })));
    expect(screen.getByText('There is a call in this room already.')).toBeTruthy();
    await user.click(button('Join that call'));
    expect(client.dialled).toEqual(['join abc']);
  });
});

describe('in a call', () => {
  test('buttons and keys switch the microphone, the camera and the screen', async () => {
    const call = connected();
    const { user } = show(call);
    await user.click(button('Mute microphone'));
    expect(call.snapshot.local.microphoneOn).toBe(false);
    await user.keyboard('m');
    expect(call.snapshot.local.microphoneOn).toBe(true);
    await user.keyboard('v');
    expect(call.snapshot.local.cameraOn).toBe(true);
    await user.click(button('Hang up'));
    expect(call.asked.at(-1)).toBe('hang up');
  });

  test('what is typed elsewhere is no shortcut', async () => {
    const call = connected();
    const { user } = show(call);
    await user.keyboard('{Escape}');
    await user.click(screen.getByLabelText('Message'));
    await user.keyboard('mvs');
    expect(call.asked).toEqual([]);
  });

  test('each of the others has a tile that says what is off', () => {
    show(connected({ peers: [peer(BOB, { microphoneOn: false })] }));
    const tile = screen.getByRole('figure', { name: 'Bob' });
    expect(within(tile).getByText('Microphone off')).toBeTruthy();
    expect(within(tile).getAllByText('Camera off').length).toBeGreaterThan(0);
  });

  test('a screen of another one says whose', () => {
    vi.spyOn(HTMLMediaElement.prototype, 'play').mockResolvedValue();
    const stream = { getAudioTracks: () => [], getVideoTracks: () => [] } as unknown as MediaStream;
    show(connected({ peers: [peer(BOB, { screen: stream, screenOn: true })] }));
    expect(screen.getByRole('figure', { name: 'Bob is sharing a screen' })).toBeTruthy();
  });

  test('it can be made small and large again, and hung up while it is small', async () => {
    const call = connected();
    const { user } = show(call);
    await user.keyboard('{Escape}');
    expect(screen.queryByRole('button', { name: 'Devices' })).toBeNull();
    expect(document.activeElement).toBe(button('Return to the call'));
    expect(document.documentElement.style.getPropertyValue('--call-bar-height')).toBe('720px');
    await user.click(button('Return to the call'));
    expect(button('Devices')).toBeTruthy();
    await user.click(button('Make the call small'));
    await user.click(button('Hang up'));
    expect(call.asked).toEqual(['hang up']);
  });

  test('a dialog takes the focus, closes by Escape, and gives the focus back', async () => {
    const { user } = show(connected());
    await user.click(button('Connection details'));
    const dialog = screen.getByRole('dialog', { name: 'Connection details' });
    expect(dialog.contains(document.activeElement)).toBe(true);
    await user.tab();
    await user.tab();
    expect(dialog.contains(document.activeElement)).toBe(true);
    await user.keyboard('{Escape}');
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(document.activeElement).toBe(button('Connection details'));
  });

  test('the numbers of a connection are there on demand', async () => {
    const numbers = {
      rttMs: 38.4, lossPercent: 0.25, jitterMs: 4, receiveKbps: 834, sendKbps: 720, framesPerSecond: 30, width: 1280, height: 720,
      localCandidate: 'relay', remoteCandidate: 'host', protocol: 'udp', framesDecoded: 1, audioBytes: 1,
    }; // prettier-ignore
    const { user } = show(connected({ peers: [peer(BOB, { numbers, quality: 'weak' })] }));
    await user.click(button('Connection details'));
    const text = screen.getByRole('dialog').textContent;
    for (const part of ['Weak', '38 ms', '0.3 %', '834 kbit/s', '1280 × 720, 30 per second', 'By a relay (UDP)']) expect(text).toContain(part);
  });

  test('a device that the browser denies is named, with what helps; the call goes on', async () => {
    const problem = { device: 'camera', reason: 'denied', detail: 'NotAllowedError' } as const;
    const call = connected({ local: { ...noMedia, problem } });
    const { user } = show(call);
    const alert = screen.getByRole('alert');
    expect(alert.textContent).toContain('The browser does not allow the camera');
    expect(alert.textContent).toContain('The call goes on without it.');
    await user.click(within(alert).getByRole('button', { name: 'Try again' }));
    expect(call.asked).toEqual(['camera']);
    expect(call.snapshot.local.problem).toBeNull();
  });

  test('a call that reconnects says so at once', () => {
    const call = connected();
    const { change } = show(call);
    change(call, { phase: 'reconnecting' });
    expect(screen.getAllByRole('status').map(({ textContent }) => textContent)).toContain('Reconnecting…');
  });

  test('members who are not in it can be rung', async () => {
    const call = connected({ roomId: '!garden:example.org', isGroup: true });
    const { user } = show(call);
    await user.click(button('Add people'));
    for (const name of ['Ring Bob', 'Ring Alice']) expect(screen.queryByRole('button', { name })).toBeNull();
    await user.click(button('Ring Dave'));
    expect(call.asked).toEqual(['invite @dave:example.org']);
  });

  test('the one who called a group may end it for everyone', async () => {
    const call = connected({ roomId: '!garden:example.org', isGroup: true });
    const { user } = show(call);
    await user.click(button('More'));
    await user.click(button('End call for everyone'));
    expect(call.asked).toEqual(['hang up for all']);
  });
});

test('a group that was left goes on, and can be entered again', async () => {
  const call = connected({ roomId: '!garden:example.org', isGroup: true });
  const { client, user, change } = show(call);
  change(call, { phase: 'over', outcome: 'left' });
  await user.click(button('Rejoin'));
  expect(client.dialled).toEqual([`join ${call.snapshot.callId ?? ''}`]);
});

describe('a call that goes on without this page', () => {
  test.each([
    ['rejoinable', 'Rejoin'],
    ['elsewhere', 'Take the call over here'],
  ] as const)('%s: «%s»', async (phase, name) => {
    const call = new FakeCall(snapshot({ phase, answeredAt: 1 }));
    const { user } = show(call);
    await user.click(button(name));
    expect(call.asked).toEqual(['rejoin']);
  });
});

test('a call that has ended says how long it took, and goes by itself', () => {
  vi.useFakeTimers();
  const call = connected({ answeredAt: 1000 });
  const { change } = show(call);
  change(call, { phase: 'over', outcome: 'ended', endedAt: 188_000 });
  expect(screen.getByText('Call ended')).toBeTruthy();
  expect(screen.getByText('The call took 3:07.')).toBeTruthy();
  act(() => void vi.advanceTimersByTime(5000));
  expect(call.asked).toEqual(['dismiss']);
  expect(screen.queryByText('Call ended')).toBeNull();
  vi.useRealTimers();
});
