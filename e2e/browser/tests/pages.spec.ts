/** What the documentation shows to developers of clients: plain pages, made as it says, call each other. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expectFlow } from '../support/media.ts';
import type { Account } from '../support/matrix.ts';
import { freePort } from '../support/server.ts';
import { expect, test } from '../support/test.ts';
import { world } from '../support/world.ts';

const root = resolve(import.meta.dirname, '../../..');
let servers: ChildProcess[] = [];

/** `python3 -m http.server`, as the documentation starts it. */
async function serve(folder: string): Promise<string> {
  const port = await freePort();
  servers.push(spawn('python3', ['-m', 'http.server', '--directory', folder, '--bind', '127.0.0.1', String(port)], { stdio: 'ignore' }));
  const url = `http://127.0.0.1:${port}`;
  await expect.poll(async () => (await fetch(url).catch(() => null))?.status).toBe(200);
  return url;
}

test.afterEach(() => {
  for (const server of servers) server.kill();
  servers = [];
});

test('the page of the client', async ({ stage }) => {
  execFileSync('npm', ['run', '--silent', 'build', '-w', 'client'], { cwd: join(root, 'web'), stdio: 'inherit' });
  const folder = join(world.directory, 'page-of-the-client');
  mkdirSync(folder, { recursive: true });
  for (const file of ['dist/ringback-client.min.js', 'examples/call.html']) {
    copyFileSync(join(root, 'web/client', file), join(folder, file.replace(/.*\//, '')));
  }
  const url = await serve(folder);
  const [alice, bob] = [await stage.person('Alice'), await stage.person('Bob')];
  const room = await stage.room([alice, bob]);
  const open = async (who: Account) => {
    const page = await stage.page();
    const fields = { backend: stage.server.url, user: who.userId, token: who.token, room, media: 'relay' };
    await page.goto(`${url}/call.html#${new URLSearchParams(fields)}`);
    await page.getByRole('button', { name: 'Connect' }).click();
    await expect(page.getByRole('status')).toHaveText('online');
    return page;
  };
  const [hers, his] = [await open(alice), await open(bob)];
  await hers.getByRole('button', { name: 'Call', exact: true }).click();
  await expect(his.getByRole('status')).toHaveText('incoming');
  await his.getByRole('button', { name: 'Accept' }).click();
  await Promise.all([expectFlow(hers), expectFlow(his)]);
  await his.getByRole('button', { name: 'Hang up' }).click();
  await expect(hers.getByRole('status')).toHaveText('ended');
});

test('the page of the protocol', async ({ stage }) => {
  const folder = join(world.directory, 'page-of-the-protocol');
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(root, 'web/node_modules/socket.io-client/dist/socket.io.esm.min.js'), join(folder, 'socket.io.esm.min.js'));
  const script = /^```js[^\n]*\n(.*?)^```/ms.exec(readFileSync(join(root, 'docs/protocol.md'), 'utf8'))![1]!;
  const [alice, bob] = [await stage.person('Alice'), await stage.person('Bob')];
  const room = await stage.room([alice, bob]);
  for (const [name, who] of [['alice', alice], ['bob', bob]] as const) {
    const own = script.replace('http://localhost:3000', stage.server.url).replace('@alice:localhost', who.userId).replace('ALICES_TOKEN', who.token);
    writeFileSync(join(folder, `${name}.js`), `${own}\nwindow.call = call;\nsocket.on('registered', () => { document.title = 'ready'; });\n`);
    writeFileSync(join(folder, `${name}.html`), `<!doctype html><title>…</title><script type="module" src="${name}.js"></script>`);
  }
  const url = await serve(folder);
  const open = async (name: string) => {
    const page = await stage.page();
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto(`${url}/${name}.html`);
    await expect(page).toHaveTitle('ready');
    return page;
  };
  const [hers, his] = [await open('alice'), await open('bob')];
  await hers.evaluate((room) => (window as unknown as { call: (room: string) => Promise<void> }).call(room), room);
  await Promise.all([expectFlow(hers, { video: false }), expectFlow(his, { video: false })]);
});
