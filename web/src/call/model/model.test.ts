import type { CallSnapshot } from 'ringback-client';
import { beforeAll, describe, expect, test } from 'vitest';
import { startTranslation } from '../../i18n';
import { FakeCall, noMedia, peer, people, snapshot } from '../gallery/fakes';
import { announcements } from './announce';
import { browserKind } from './browser';
import { KeyGuard, QUIET_MS } from './guard';
import { asLevel } from './levels';
import { endTone, lastingTone } from './tone';
import type { Words } from './words';

describe('tones', () => {
  const call = (some: Partial<CallSnapshot>) => new FakeCall(snapshot(some)).asCall;
  const rings = call({ phase: 'incoming' });

  test.each([
    ['nothing', { live: null, incoming: [] }, null],
    ['a call that rings here', { live: null, incoming: [rings] }, 'ringtone'],
    ['a call that rings during another', { live: call({ phase: 'connected' }), incoming: [rings] }, 'knock'],
    ['a request under way', { live: call({ phase: 'calling' }), incoming: [] }, null],
    ['a call that rings there', { live: call({ phase: 'ringing' }), incoming: [] }, 'ringback'],
    ['a call that was answered', { live: call({ phase: 'connecting' }), incoming: [] }, null],
    ['a call that is talked in', { live: call({ phase: 'connected' }), incoming: [] }, null],
  ] as const)('for %s', (_, shown, tone) => {
    expect(lastingTone(shown, true)).toBe(tone);
  });

  test('the ringtone can be switched off', () => {
    expect(lastingTone({ live: null, incoming: [rings] }, false)).toBeNull();
  });

  test.each([
    ['busy', 'busy'],
    ['rejected', 'busy'],
    ['ended', 'ended'],
    ['missed', 'failed'],
    ['failed', 'failed'],
    ['cancelled', null],
    ['answered-elsewhere', null],
  ] as const)('after %s', (outcome, tone) => {
    expect(endTone(outcome)).toBe(tone);
  });
});

describe('a key, when a call begins to ring,', () => {
  test('presses nothing for half a second', () => {
    const guard = new KeyGuard(0);
    expect(guard.key('Enter', QUIET_MS - 1)).toBe(false);
    expect(guard.key('Enter', 2 * QUIET_MS)).toBe(true);
  });

  test('of somebody who goes on typing presses nothing', () => {
    const guard = new KeyGuard(0);
    for (const at of [100, 400, 700, 1000]) expect(guard.key('e', at)).toBe(true);
    expect(guard.key(' ', 1100)).toBe(false);
    expect(guard.key('Enter', 1500)).toBe(false);
    expect(guard.key('Enter', 2100)).toBe(true);
  });

  test('moves the focus all the same', () => {
    expect(new KeyGuard(0).key('Tab', 1)).toBe(true);
  });
});

describe('what is said aloud', () => {
  let t: Words;
  beforeAll(async () => {
    t = (await startTranslation('en')).getFixedT('en', 'call');
  });
  const news = (before: Partial<CallSnapshot>, now: Partial<CallSnapshot>) =>
    announcements(snapshot(before), snapshot(now), (userId) => people.user(userId).name, t);
  const bob = peer('@bob:example.org');

  test('who comes and who goes', () => {
    expect(news({}, { peers: [bob] })).toEqual(['Bob has joined']);
    expect(news({ peers: [bob] }, {})).toEqual(['Bob has left']);
  });
  test('not who goes when all is over', () => {
    expect(news({ peers: [bob] }, { phase: 'over', outcome: 'ended' })).toEqual([]);
  });
  test('the own microphone, camera and screen', () => {
    expect(news({}, { local: { ...noMedia, microphoneOn: false } })).toEqual(['Microphone muted']);
    expect(news({}, { local: { ...noMedia, cameraOn: true, screenOn: true } })).toEqual(['Camera on', 'You are sharing your screen']);
  });
  test('screens of the others', () => {
    expect(news({ peers: [bob] }, { peers: [{ ...bob, screenOn: true }] })).toEqual(['Bob is sharing a screen']);
  });
  test('that the connection is back', () => {
    expect(news({ phase: 'reconnecting' }, { phase: 'connected' })).toEqual(['Connected again']);
  });
  test('nothing where nothing has changed', () => {
    expect(news({ peers: [bob] }, { peers: [{ ...bob, numbers: null }] })).toEqual([]);
  });
});

test('browsers are told apart by where their permissions are', () => {
  const of = (agent: string, touch = 0) => browserKind(`Mozilla/5.0 ${agent}`, touch);
  expect(of('(X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36')).toBe('chromium');
  expect(of('(Linux; Android 15) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36', 5)).toBe('android');
  expect(of('(X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0')).toBe('firefox');
  expect(of('(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/26.0 Safari/605.1.15')).toBe('safari');
  expect(of('(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/26.0 Safari/605.1.15', 5)).toBe('ios');
});

test('a level is nothing in silence, and full in a loud voice', () => {
  expect(asLevel(0)).toBe(0);
  expect(asLevel(0.001)).toBe(0);
  expect(asLevel(0.03)).toBeCloseTo(0.49, 1);
  expect(asLevel(1)).toBe(1);
});
