import type { Page, Request } from '@playwright/test';
import { expect, test } from '../support/test.ts';

const COMPRESSED_LIMIT = 500_000;

test('the page is light: what is loaded before the login is below 500 kB', async ({ stage }) => {
  const page = await stage.page();
  const loaded = await weigh(page, () => page.goto(stage.server.url).then(() => page.getByLabel('Username').waitFor()));
  const sum = loaded.reduce((total, { bytes }) => total + bytes, 0);
  console.log(`loaded before the login: ${Math.round(sum / 1000)} kB in ${loaded.length} files`);
  expect(sum, loaded.map(({ url, bytes }) => `${bytes} ${url}`).join('\n')).toBeLessThan(COMPRESSED_LIMIT);
});

test('the screen that rings needs nothing from the network', async ({ stage }) => {
  const { alice, bob } = await stage.pair();
  await bob.page.waitForLoadState('networkidle');
  const asked: string[] = [];
  bob.page.on('request', (request: Request) => asked.push(request.url()));
  await alice.call('Bob', 'video');
  await expect(bob.incoming('Alice', 'video')).toBeVisible();
  await expect(bob.button('Accept')).toBeFocused();
  expect(asked.filter((url) => url.startsWith(`${stage.server.url}/`) && !url.includes('/socket.io/'))).toEqual([]);
});

/** The bytes that came over the network, by address, as they were packed. */
async function weigh(page: Page, act: () => Promise<unknown>): Promise<{ url: string; bytes: number }[]> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.enable');
  const urls = new Map<string, string>();
  const bytes = new Map<string, number>();
  devtools.on('Network.responseReceived', ({ requestId, response }) => urls.set(requestId, response.url));
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => bytes.set(requestId, encodedDataLength));
  await act();
  await page.waitForLoadState('networkidle');
  return [...bytes].map(([id, length]) => ({ url: urls.get(id) ?? id, bytes: length }));
}
