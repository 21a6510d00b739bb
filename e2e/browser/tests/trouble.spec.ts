import { expect, test } from '../support/test.ts';
import { world } from '../support/world.ts';

test('no call server: every address that was tried is named, and what came back', async ({ stage }) => {
  const page = await stage.page();
  await page.route('http://localhost:3000/**', (route) => route.abort('connectionrefused'));
  await page.route(`${stage.server.url}/call-config.json`, (route) => route.fulfill({ status: 502, contentType: 'text/html', body: 'Bad gateway' }));
  await page.goto(stage.server.url);
  await page.getByLabel('Homeserver').fill(world.homeserver);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'No call server answers' })).toBeVisible();
  const tried = page.getByRole('region', { name: 'What was tried' }).getByRole('listitem');
  await expect(tried.filter({ hasText: `${stage.server.url}/call-config.json` })).toContainText('status 502');
  await expect(tried.filter({ hasText: `${world.homeserver}/.well-known/matrix/client` })).toContainText('The file does not name a call server.');
  await expect(tried.filter({ hasText: 'http://localhost:3000/call-config.json' })).toContainText('Nothing answers there');
});
