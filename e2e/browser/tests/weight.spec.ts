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
  const people = [await stage.person('Alice'), await stage.person('Bob')] as const;
  await stage.room([...people]);
  // Without the system's notification, whose picture the browser asks for.
  const [alice, bob] = await Promise.all([stage.phone(people[0]), stage.phone(people[1], { permissions: ['microphone', 'camera'] })]);
  await atRest(bob.page);
  const asked: string[] = [];
  bob.page.on('request', (request: Request) => asked.push(request.url()));
  await alice.call('Bob', 'video');
  await expect(bob.incoming('Alice', 'video')).toBeVisible();
  await expect(bob.button('Accept')).toBeFocused();
  // The browser asks for the page's own icon when it pleases.
  const ofTheScreen = (url: string) => url.startsWith(`${stage.server.url}/`) && !/\/socket\.io\/|\/icon\.svg$/.test(url);
  expect(asked.filter(ofTheScreen)).toEqual([]);
});

/** What the page loads ahead, in idle moments, is there. */
async function atRest(page: Page): Promise<void> {
  const files = () => page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => name.includes('/assets/')).length);
  let before = -1;
  await expect(async () => {
    const now = await files();
    const same = now === before;
    before = now;
    expect(same).toBe(true);
  }).toPass({ intervals: [1000] });
}

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
