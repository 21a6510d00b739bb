import { expect, test } from '../support/test.ts';
import { register } from '../support/matrix.ts';
import { logIn, Phone } from '../support/phone.ts';

test('a wrong password says so, and nobody is logged in', async ({ stage }) => {
  const { localpart } = await stage.person('Alice');
  const page = await stage.page();
  await page.goto(stage.server.url);
  await page.getByLabel('Username').fill(localpart);
  await page.getByLabel('Password', { exact: true }).fill('wrong');
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('alert')).toHaveText('Username or password is wrong.');
});

test('who logs out is rung no more, and the next one finds nothing', async ({ stage }) => {
  const [alice, account] = [await stage.person('Alice'), await register('Dora')];
  await stage.room([alice, account]);
  const page = await stage.page();
  await logIn(page, stage.server.url, account);
  const dora = new Phone(page);
  const token = await page.evaluate(() => JSON.stringify(localStorage));
  await dora.tab('Settings').click();
  await dora.button('Log out').click();
  await expect(dora.says('You have logged out.')).toBeVisible();
  const accessToken = /syt_[\w]+/.exec(token)?.[0];
  expect(accessToken).toBeTruthy();
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain(accessToken);
  const caller = await stage.phone(alice);
  await caller.call('Dora', 'voice');
  await expect(caller.says('Waiting until Dora connects')).toBeVisible();
});

test('in German, from the login to the end of a call', async ({ stage }) => {
  const people = [await stage.person('Alice'), await stage.person('Bob')] as const;
  await stage.room([...people]);
  const [alice, bob] = await Promise.all([stage.phone(people[0]), stage.phone(people[1], { locale: 'de-DE' })]);
  await expect(bob.page.locator('html')).toHaveAttribute('lang', 'de');
  await alice.call('Bob', 'voice');
  await expect(bob.page.getByRole('dialog', { name: 'Eingehender Sprachanruf von Alice' })).toBeVisible();
  await bob.button('Annehmen').click();
  await bob.button('Auflegen').click();
  await expect(alice.says('Call ended')).toBeVisible();

  const page = await stage.page({ locale: 'de-DE' });
  await page.goto(stage.server.url);
  await expect(page.getByRole('button', { name: 'Anmelden' })).toBeVisible();
  await page.getByRole('button', { name: 'English' }).click();
  await expect(page.getByRole('button', { name: 'Log in' })).toBeVisible();
});
