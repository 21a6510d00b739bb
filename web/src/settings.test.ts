import { expect, test } from 'vitest';
import { parseSession } from './account/session';
import { parseSettings, settings } from './settings';

test('what is stored comes back, and what has another type does not', () => {
  settings.change({ ringtone: false, theme: 'dark', microphoneId: 'a' });
  const stored = localStorage.getItem('ringback.settings');
  expect(parseSettings(stored)).toMatchObject({ ringtone: false, theme: 'dark', microphoneId: 'a', cameraId: null });
  expect(parseSettings('{"ringtone":"no","theme":"pink","language":"fr","cameraId":7}')).toMatchObject({ ringtone: true, theme: 'system', language: null, cameraId: null });
});

test.each([null, '', 'no json', 'null', '3', '[]'])('%s gives the defaults', (text) => {
  expect(parseSettings(text)).toMatchObject({ ringtone: true, notifications: true, theme: 'system' });
});

test('a session is whole or none', () => {
  const session = { homeserverUrl: 'https://hs', ringbackUrl: 'https://calls', userId: '@a:hs', deviceId: 'D', accessToken: 't' };
  expect(parseSession(JSON.stringify({ ...session, more: 1 }))).toEqual(session);
  expect(parseSession(JSON.stringify({ ...session, accessToken: '' }))).toBeNull();
  expect(parseSession('no json')).toBeNull();
  expect(parseSession('null')).toBeNull();
});
