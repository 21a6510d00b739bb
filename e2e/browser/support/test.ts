/** `test` with a server, users and windows; a window that breaks its policy or throws fails its test. */
import { test as base, type Browser, type BrowserContext, type BrowserContextOptions, expect, type Page } from '@playwright/test';
import { pose, prepare } from './inpage.ts';
import { type Account, leaveRoom, makeRoom, register } from './matrix.ts';
import { Network } from './network.ts';
import { logIn, Phone } from './phone.ts';
import { freePort, Server, type Settings } from './server.ts';

export { expect };

type Login = Exclude<BrowserContextOptions['storageState'], string | undefined>;

/** A user with the login of one browser; several windows may share it. */
export interface Person extends Account {
  login: Login;
}

export interface WindowOptions extends BrowserContextOptions {
  /** Everything goes by this network, media by TCP. */
  network?: Network;
  /** For what a test says is to be thrown or violated. */
  mayComplain?: RegExp;
}

interface Fixtures {
  settings: Settings;
  server: Server;
  stage: Stage;
}

interface Shared {
  /** For pictures: users without random names, and cameras that show a person. */
  posed: boolean;
  port: number;
  people: Map<string, Person>;
}

export const test = base.extend<Fixtures, Shared>({
  settings: [{}, { option: true }],
  posed: [false, { option: true, scope: 'worker' }],
  port: [async ({}, use) => use(await freePort()), { scope: 'worker' }],
  people: [async ({}, use) => use(new Map()), { scope: 'worker' }],
  server: async ({ port, settings }, use, info) => {
    const server = new Server(`${info.title.replace(/\W+/g, '_').slice(0, 60)}-${info.parallelIndex}`, port, settings);
    await server.start();
    await use(server);
    await server.stop();
  },
  stage: async ({ browser, server, people, posed }, use) => {
    const stage = new Stage(browser, server, people, posed);
    await use(stage);
    await stage.clear();
  },
});

/** What a test plays on. */
export class Stage {
  readonly #browser: Browser;
  readonly #people: Map<string, Person>;
  readonly #posed: boolean;
  readonly #windows: BrowserContext[] = [];
  readonly #rooms: [string, Account[]][] = [];
  readonly #networks: Network[] = [];
  /** What went wrong in a window beside what its test looks at. */
  readonly complaints: string[] = [];
  readonly server: Server;

  constructor(browser: Browser, server: Server, people: Map<string, Person>, posed: boolean) {
    this.#browser = browser;
    this.server = server;
    this.#people = people;
    this.#posed = posed;
  }

  /** A user who has logged in by the form; the same one for every test of this worker. */
  async person(name: string): Promise<Person> {
    const known = this.#people.get(name);
    if (known) return known;
    const account = await register(name, this.#posed);
    const page = await this.page();
    await logIn(page, this.server.url, account);
    const login = await page.context().storageState({ indexedDB: true });
    await page.context().close();
    const person = { ...account, login };
    this.#people.set(name, person);
    return person;
  }

  async room(members: Account[], name?: string): Promise<string> {
    const room = await makeRoom(members, name);
    this.#rooms.push([room, members]);
    return room;
  }

  /** Three calls that are over, for somebody's list: one that they talked in, one that was declined, one that they missed. */
  async pastCalls(whose: Account, other: Account, room: string): Promise<void> {
    const act = async (who: Account, path: string, body: unknown = {}): Promise<string> => {
      const headers = { Authorization: `Bearer ${who.token}`, 'Content-Type': 'application/json' };
      const answer = await fetch(`${this.server.url}/api/calls/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return ((await answer.json()) as { callId: string }).callId;
    };
    const talked = await act(whose, 'initiate', { roomId: room, callType: 'video' });
    await act(other, `${talked}/answer`);
    await act(whose, `${talked}/end`);
    const declined = await act(whose, 'initiate', { roomId: room, callType: 'voice' });
    await act(other, `${declined}/reject`);
    const missed = await act(other, 'initiate', { roomId: room, callType: 'voice' });
    await act(other, `${missed}/end`);
  }

  async network(): Promise<Network> {
    const network = await Network.start();
    this.#networks.push(network);
    return network;
  }

  /** A new browser window, as good as another computer. */
  async page({ network, mayComplain, ...options }: WindowOptions = {}): Promise<Page> {
    const permissions = options.permissions ?? ['microphone', 'camera', 'notifications'];
    const proxy = network && { proxy: { server: network.address } };
    const context = await this.#browser.newContext({ permissions, ...proxy, ...options });
    this.#windows.push(context);
    const complain = (text: string) => {
      if (!mayComplain?.test(text)) this.complaints.push(text);
    };
    await context.exposeBinding('tellOfViolation', (_, text: string) => complain(`policy: ${text}`));
    context.on('weberror', (error) => complain(`uncaught: ${error.error().stack ?? error.error()}`));
    await context.addInitScript(prepare, { tcpOnly: network !== undefined });
    if (this.#posed) await context.addInitScript(pose);
    return context.newPage();
  }

  /** A person's phone in a window of its own, ready to be called. */
  async phone(person: Person, options: WindowOptions = {}): Promise<Phone> {
    const page = await this.page({ storageState: person.login, ...options });
    return Phone.open(page, this.server.url);
  }

  /** Two who share a room, each with a phone. */
  async pair(): Promise<{ alice: Phone; bob: Phone; room: string }> {
    const people = [await this.person('Alice'), await this.person('Bob')] as const;
    const room = await this.room([...people]);
    const [alice, bob] = await Promise.all(people.map((person) => this.phone(person)));
    return { alice: alice!, bob: bob!, room };
  }

  async clear(): Promise<void> {
    await Promise.all(this.#windows.map((context) => context.close()));
    for (const network of this.#networks) network.stop();
    for (const [room, members] of this.#rooms) for (const member of members) await leaveRoom(member, room);
    expect(this.complaints, 'violations of the policy, and errors that nobody caught').toEqual([]);
  }
}
