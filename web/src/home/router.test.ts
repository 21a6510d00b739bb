import { expect, test } from 'vitest';
import { hrefs, parseRoute } from './router';

test.each([
  ['', { tab: 'rooms', roomId: null, fresh: false }],
  ['#/calls', { tab: 'calls' }],
  ['#/settings', { tab: 'settings' }],
  [hrefs.fresh, { tab: 'rooms', roomId: null, fresh: true }],
  [hrefs.room('!a/b:hs'), { tab: 'rooms', roomId: '!a/b:hs', fresh: false }],
  ['#/rooms/%E0%A4%A', { tab: 'rooms', roomId: null, fresh: false }],
  ['#/nothing', { tab: 'rooms', roomId: null, fresh: false }],
])('%s', (hash, route) => {
  expect(parseRoute(hash)).toEqual(route);
});
