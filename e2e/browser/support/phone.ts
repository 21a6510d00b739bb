/** The softphone in one window, as its user knows it: by the names of its buttons. */
import { expect, type Locator, type Page } from '@playwright/test';
import type { Account } from './matrix.ts';

export type Kind = 'voice' | 'video';

/** Fills in the real form, from the first load to the list of rooms. */
export async function logIn(page: Page, url: string, { localpart, password }: Account): Promise<void> {
  await page.goto(url);
  await page.getByLabel('Username').fill(localpart);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('navigation', { name: 'Main navigation' })).toBeVisible();
}

export class Phone {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** A window of somebody who has logged in before, once calls can ring in it. */
  static async open(page: Page, url: string): Promise<Phone> {
    const registered = heard(page, 'registered');
    await page.goto(url);
    await registered;
    return new Phone(page);
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** One of the three pages: `Rooms`, `Calls`, `Settings`. */
  tab(name: string): Locator {
    return this.page.getByRole('navigation', { name: 'Main navigation' }).getByRole('link', { name });
  }

  /** A room in the list; a direct chat has the name of the other. */
  room(name: string): Locator {
    return this.page.getByRole('listitem').getByRole('link', { name: new RegExp(`^${name}\\b`) });
  }

  async call(room: string, kind: Kind): Promise<void> {
    await this.room(room).click();
    await this.button(kind === 'video' ? 'Video call' : 'Voice call').click();
  }

  /** The screen that rings. */
  incoming(from: string, kind: Kind): Locator {
    return this.page.getByRole('dialog', { name: `Incoming ${kind} call from ${from}` });
  }

  /** The screen of a call, from dialling to after its end. */
  callWith(name: string): Locator {
    return this.page.getByRole('region', { name: `Call with ${name}` });
  }

  /** The picture of somebody in the call, or the screen that they share. */
  picture(name: string): Locator {
    return this.page.getByRole('figure', { name, exact: true });
  }

  accept(): Promise<void> {
    return this.button('Accept').click();
  }

  hangUp(): Promise<void> {
    return this.button('Hang up').click();
  }

  /** Text that can be seen now. */
  says(text: string | RegExp): Locator {
    return this.page.getByText(text).filter({ visible: true }).first();
  }
}

/** Resolves when the page's socket has brought this event of the server. */
export function heard(page: Page, event: string): Promise<void> {
  return new Promise((resolve) => {
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => {
        if (payload.toString().includes(`"${event}"`)) resolve();
      });
    });
  });
}
