import { expect, test } from '../support/test.ts';
import { world } from '../support/world.ts';

test('no call server: every address that was tried is named, and what came back', async ({ stage }) => {
  const page = await stage.page();
  await page.route('**/call-config.json', (route) => route.fulfill({ status: 502, contentType: 'text/html', body: 'Bad gateway' }));
  await page.goto(stage.server.url);
  await page.getByLabel('Homeserver').fill(world.homeserver.replace('localhost', '127.0.0.1'));
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { name: 'No call server answers' })).toBeVisible();
  const tried = page.getByRole('region', { name: 'What was tried' }).getByRole('listitem');
  const homeserver = new URL(world.homeserver);
  await expect(tried.filter({ hasText: `${stage.server.url}/call-config.json` })).toContainText('status 502');
  await expect(tried.filter({ hasText: `127.0.0.1:${homeserver.port}/.well-known/matrix/client` })).toBeVisible();
  await expect(tried.filter({ hasText: '127.0.0.1:3000' })).toContainText('Nothing answers there');
});

test('a browser that may not use the microphone says how to allow it', async ({ stage }) => {
  const people = [await stage.person('Alice'), await stage.person('Bob')] as const;
  await stage.room([...people]);
  const [alice, bob] = await Promise.all(people.map((person) => stage.phone(person)));
  const devtools = await alice!.page.context().newCDPSession(alice!.page);
  for (const name of ['microphone', 'camera']) {
    await devtools.send('Browser.setPermission', { origin: stage.server.url, permission: { name }, setting: 'denied' });
  }
  await alice!.call('Bob', 'voice');
  await expect(alice!.says('The browser does not allow the microphone')).toBeVisible();
  await expect(alice!.says(/Click the symbol to the left of the address/)).toBeVisible();
  await expect(bob!.incoming('Alice', 'voice')).toBeVisible();
});

test.describe('a computer without devices', () => {
  // Without the browser's pretended ones there are none.
  test.use({ launchOptions: async ({ launchOptions }, use) => {
    const args = launchOptions.args?.filter((arg) => arg !== '--use-fake-device-for-media-stream');
    await use({ ...launchOptions, args });
  } });

  test('says so, and the call goes on without', async ({ stage }) => {
    const { alice, bob } = await stage.pair();
    await alice.call('Bob', 'video');
    await expect(alice.says(/No (microphone|camera) was found/)).toBeVisible();
    await bob.accept();
    await expect(alice.callWith('Bob')).toBeVisible();
    await expect(alice.button('Hang up')).toBeVisible();
  });
});
