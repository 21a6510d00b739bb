/** Every screen of the softphone, one after the other, as its users come to it. */
import { expect, type Page } from '@playwright/test';
import { expectFlow } from './media.ts';
import { Phone } from './phone.ts';
import type { Stage } from './test.ts';
import { world } from './world.ts';

export interface Stop {
  /** Fit for a file's name. */
  name: string;
  page: Page;
}

export const sizes = { phone: { width: 360, height: 780 }, desktop: { width: 1440, height: 900 } } as const;
export type Size = keyof typeof sizes;
export const themes = ['light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** Looks at a page in each size and each theme. */
export async function fromAllSides(page: Page, look: (size: Size, theme: Theme) => Promise<void>): Promise<void> {
  for (const size of Object.keys(sizes) as Size[]) {
    await page.setViewportSize(sizes[size]);
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      await settled(page);
      await look(size, theme);
    }
  }
  await page.setViewportSize(sizes.desktop);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
}

/** Colours fade and tiles move for a moment; what inherits a colour begins when what it inherits from has ended. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ended = async (which: (animation: Animation) => boolean): Promise<number> => {
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      const running = document.getAnimations().filter((animation) => animation.playState === 'running' && which(animation));
      await Promise.all(running.map((animation) => animation.finished.catch(() => null)));
      return running.length;
    };
    await ended(({ effect }) => effect?.getTiming().iterations !== Infinity);
    while (await ended((animation) => animation instanceof CSSTransition && animation.transitionProperty.endsWith('color')));
  });
}

const window = { viewport: sizes.desktop, reducedMotion: 'reduce' } as const;

/** Before and between calls. */
export async function* quietScreens(stage: Stage): AsyncGenerator<Stop> {
  const login = await stage.page(window);
  await login.goto(stage.server.url);
  await login.getByLabel('Username').waitFor();
  yield { name: 'login', page: login };
  await login.context().close();

  const lost = await stage.page(window);
  await lost.route('http://localhost:3000/**', (route) => route.abort('connectionrefused'));
  await lost.route(`${stage.server.url}/call-config.json`, (route) => route.fulfill({ status: 502, contentType: 'text/html', body: 'Bad gateway' }));
  await lost.goto(stage.server.url);
  await lost.getByLabel('Homeserver').fill(world.homeserver);
  await lost.keyboard.press('Enter');
  await expect(lost.getByRole('heading', { name: 'No call server answers' })).toBeVisible();
  yield { name: 'no-call-server', page: lost };
  await lost.context().close();

  const [alice, bob, carol] = await Promise.all(['Alice', 'Bob', 'Carol'].map((name) => stage.person(name)));
  const room = await stage.room([alice!, bob!]);
  await stage.room([alice!, bob!, carol!], 'Choir');
  await stage.pastCalls(alice!, bob!, room);
  const phone = await stage.phone(alice!, window);
  const { page } = phone;
  await phone.room('Bob').waitFor();
  yield { name: 'rooms', page };
  await phone.room('Choir').click();
  await expect(page.getByRole('main').getByText('Carol', { exact: true })).toBeVisible();
  yield { name: 'room', page };
  await page.getByRole('button', { name: 'New chat' }).first().click();
  await page.getByLabel('Matrix address').waitFor();
  yield { name: 'new-chat', page };
  await phone.tab('Calls').click();
  await page.getByRole('listitem').filter({ hasText: 'Bob' }).nth(2).waitFor();
  yield { name: 'calls', page };
  await phone.tab('Settings').click();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  yield { name: 'settings', page };
}

/** From the first ring to the end. */
export async function* callScreens(stage: Stage): AsyncGenerator<Stop> {
  const people = await Promise.all(['Alice', 'Bob', 'Carol'].map((name) => stage.person(name)));
  await stage.room(people.slice(0, 2));
  await stage.room([people[0]!, people[2]!]);
  await stage.room(people, 'Choir');
  const [alice, bob, carol] = (await Promise.all(people.map((person) => stage.phone(person, window)))) as [Phone, Phone, Phone];

  await alice.call('Bob', 'video');
  await expect(alice.says('Ringing on 1 device')).toBeVisible();
  yield { name: 'calling', page: alice.page };
  await bob.button('Accept').waitFor();
  yield { name: 'incoming', page: bob.page };
  await bob.accept();
  await expectFlow(alice.page);
  yield { name: 'video-call', page: alice.page };
  await bob.button('Share screen').click();
  await alice.picture('Bob is sharing a screen').waitFor();
  yield { name: 'shared-screen', page: alice.page };
  await bob.button('Stop sharing').first().click();
  await alice.picture('Bob is sharing a screen').waitFor({ state: 'hidden' });
  for (const [button, name] of [['Devices', 'devices'], ['Connection details', 'connection'], ['Keyboard shortcuts', 'shortcuts']] as const) {
    await alice.button(button).click();
    await expect(alice.page.getByRole('dialog')).toBeVisible();
    yield { name, page: alice.page };
    await alice.page.keyboard.press('Escape');
    await expect(alice.page.getByRole('dialog')).toBeHidden();
  }
  await carol.call('Alice', 'voice');
  await expect(alice.page.getByRole('alertdialog')).toBeVisible();
  yield { name: 'second-call', page: alice.page };
  await carol.hangUp();
  await expect(alice.page.getByRole('alertdialog')).toBeHidden();
  await alice.button('Make the call small').click();
  await expect(alice.button('Return to the call')).toBeVisible();
  yield { name: 'small-call', page: alice.page };
  await alice.button('Return to the call').click();
  const second = await Phone.open(await bob.page.context().newPage(), stage.server.url);
  await expect(second.button('Rejoin')).toBeVisible();
  yield { name: 'in-another-window', page: second.page };
  await second.page.close();
  await bob.hangUp();
  await expect(alice.says('Call ended')).toBeVisible();
  yield { name: 'call-ended', page: alice.page };

  for (const phone of [alice, carol]) await phone.button('Close').first().click({ timeout: 2000 }).catch(() => null);
  await alice.call('Choir', 'video');
  await bob.accept();
  await carol.accept();
  await expect(alice.picture('Carol')).toBeVisible();
  await expectFlow(alice.page);
  yield { name: 'group-call', page: alice.page };
}
