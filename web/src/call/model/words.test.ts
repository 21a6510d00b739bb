import type { CallSnapshot } from 'ringback-client';
import { beforeAll, describe, expect, test } from 'vitest';
import { startTranslation, changeLanguage } from '../../i18n';
import { me, people, snapshot } from '../gallery/fakes';
import { callerOf, detailText, duration, errorText, nameOf, noteText, outcomeText, status, type Words } from './words';

let t: Words;
let german: Words;
beforeAll(async () => {
  const i18n = await startTranslation('en');
  t = i18n.getFixedT('en', 'call');
  await changeLanguage('de');
  german = i18n.getFixedT('de', 'call');
});

const group = { roomId: '!garden:example.org', isGroup: true } as const;
const said = (some: Partial<CallSnapshot>, words = t) => status(snapshot(some), people, words);

describe('while it is dialled', () => {
  test.each([
    [{ phase: 'calling' }, 'Calling…', 'Anruf beginnt …'],
    [{ phase: 'ringing', ringingDevices: 1 }, 'Ringing on 1 device', 'Es klingelt auf 1 Gerät'],
    [{ phase: 'ringing', ringingDevices: 2 }, 'Ringing on 2 devices', 'Es klingelt auf 2 Geräten'],
    [{ phase: 'ringing', pendingUsers: 1 }, 'Waiting until Bob connects', 'Warten, bis Bob sich verbindet'],
    [{ ...group, phase: 'ringing', pendingUsers: 3 }, 'Waiting until somebody connects', 'Warten, bis sich jemand verbindet'],
    [{ phase: 'connecting' }, 'Connecting…', 'Verbindung wird aufgebaut …'],
    [{ phase: 'reconnecting' }, 'Reconnecting…', 'Verbindung wird wiederhergestellt …'],
  ] as const)('%o', (some, english, deutsch) => {
    expect(said(some)).toBe(english);
    expect(said(some, german)).toBe(deutsch);
  });

  test('the time stands there once it is connected', () => {
    expect(said({ phase: 'connected' })).toBeNull();
  });
});

test.each([
  [0, '0:00'],
  [59_999, '0:59'],
  [187_000, '3:07'],
  [3_609_000, '1:00:09'],
  [-5, '0:00'],
])('%d ms read %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

describe('who it is with', () => {
  test('the other one of two', () => {
    expect(nameOf(snapshot(), people)).toBe('Bob');
  });
  test('the room of a group', () => {
    expect(nameOf(snapshot(group), people)).toBe('Garden planning committee');
  });
  test('somebody who is in it, until the rooms are loaded', () => {
    const unloaded = { ...people, room: (roomId: string) => ({ name: roomId, avatarUrl: null, isDirect: false, members: [] }) };
    expect(nameOf(snapshot(group), unloaded)).toBe('Bob');
  });
  test('whom the server names, until the profile is there', () => {
    const unknown = { ...people, user: (userId: string) => ({ name: userId, avatarUrl: null }) };
    const call = snapshot({ direction: 'incoming', phase: 'incoming', callerName: 'Robert', initiatorId: '@bob:example.org' });
    expect(callerOf(call, unknown)).toBe('Robert');
    expect(nameOf(call, unknown)).toBe('Robert');
    expect(callerOf(call, people)).toBe('Bob');
  });
});

describe('how it ended', () => {
  test.each([
    ['rejected', 'Declined', 'Bob declined the call.'],
    ['busy', 'Busy', 'Bob is in another call.'],
    ['missed', 'No answer', 'Bob did not answer.'],
    ['unreachable', 'Unreachable', 'Bob was not connected with any device.'],
    ['answered-elsewhere', 'Answered on another device', null],
    ['cancelled', 'Cancelled', null],
  ] as const)('%s', (outcome, text, detail) => {
    expect(outcomeText(outcome, t)).toBe(text);
    expect(detailText(snapshot({ phase: 'over', outcome }), people, t)).toBe(detail);
  });

  test('a call that was talked in tells how long', () => {
    const call = snapshot({ phase: 'over', outcome: 'ended', answeredAt: 1000, endedAt: 188_000 });
    expect(detailText(call, people, t)).toBe('The call took 3:07.');
  });

  test('a call that was missed here says whose', () => {
    const missed = snapshot({ direction: 'incoming', phase: 'over', outcome: 'missed' });
    expect(noteText(missed, people, t)).toBe('Missed call from Bob');
    expect(noteText({ ...missed, outcome: 'cancelled' }, people, t)).toBe('Bob has hung up');
    expect(noteText({ ...missed, outcome: 'answered-elsewhere' }, people, t)).toBe('Answered on another device');
  });
});

describe('a refusal', () => {
  const refusal = (errcode: string, message: string, more = {}) => Object.assign(new Error(message), { errcode, ...more });

  test('that is known has our words', () => {
    expect(errorText(refusal('RINGBACK_CALL_EXISTS', 'x'), t)).toBe('There is a call in this room already.');
  });
  test('says when one may try again', () => {
    const limited = refusal('M_LIMIT_EXCEEDED', 'x', { retryAfterMs: 11_200 });
    expect(errorText(limited, t)).toBe('Too many calls in a short time. Try again in 12 seconds.');
    expect(errorText(refusal('M_LIMIT_EXCEEDED', 'x', { retryAfterMs: 900 }), german)).toContain('in 1 Sekunde ');
  });
  test('that is not known has the words of the server', () => {
    expect(errorText(refusal('M_INVALID_PARAM', 'There is nobody to ring.'), t)).toBe('There is nobody to ring.');
    expect(errorText(null, t)).toMatch(/nothing says what/);
  });
});

test('our own id is nobody to name a call after', () => {
  const call = snapshot({ others: [] });
  expect(nameOf(call, people)).toBe('Bob');
  expect(call.initiatorId).toBe(me);
});
