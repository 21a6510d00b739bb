import { expect, test } from '../support/test.ts';
import { expectFlow } from '../support/media.ts';

test('a call stays in the list of both, and is called back from there', async ({ stage }) => {
  const { alice, bob } = await stage.pair();
  await alice.call('Bob', 'voice');
  await bob.accept();
  await expectFlow(bob.page, { video: false });
  await alice.hangUp();
  await expect(bob.says('Call ended')).toBeVisible();
  await bob.button('Close').click();

  await bob.tab('Calls').click();
  const row = bob.page.getByRole('listitem').filter({ hasText: 'Alice' });
  await expect(row).toContainText('Incoming');
  await row.getByRole('button', { name: 'Call back' }).click();
  await expect(bob.callWith('Alice')).toBeVisible();
  await expect(alice.incoming('Bob', 'voice')).toBeVisible();
  await alice.accept();
  await expectFlow(alice.page, { video: false });
});
