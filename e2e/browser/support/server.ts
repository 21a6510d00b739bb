/** One `ringback` for one test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { world } from './world.ts';

/** Settings without `RINGBACK_`. */
export type Settings = Record<string, string>;

export class Server {
  readonly url: string;
  readonly directory: string;
  readonly #port: number;
  readonly #settings: Settings;
  #process: ChildProcess | null = null;

  constructor(name: string, port: number, settings: Settings = {}) {
    this.#port = port;
    // As Synapse names itself: the two must agree, for the page may talk to no other.
    this.url = `http://localhost:${port}`;
    this.directory = join(world.directory, name);
    this.#settings = settings;
  }

  async start(): Promise<this> {
    mkdirSync(this.directory, { recursive: true });
    const log = openSync(join(this.directory, 'ringback.log'), 'a');
    const settings: Settings = {
      LISTEN: `127.0.0.1:${this.#port}`,
      OPS_LISTEN: `127.0.0.1:${await freePort()}`,
      HOMESERVER_URL: world.homeserver,
      DATABASE_URL: `sqlite://${this.directory}/ringback.db`,
      CALLS_PER_MINUTE: '0',
      // A browser that gets no processor for a while is not one that has gone.
      GRACE_PERIOD: '60s',
      STUN_URIS: '',
      TURN_URIS: world.turnUris,
      TURN_SECRET: world.turnSecret,
      LOG: 'debug',
      ...this.#settings,
    };
    const named = Object.entries(settings).map(([name, value]) => [`RINGBACK_${name}`, value]);
    this.#process = spawn(world.binary, ['serve'], {
      cwd: this.directory,
      env: { PATH: process.env.PATH, ...Object.fromEntries(named) },
      stdio: ['ignore', log, log],
    });
    await until(`${this.url} to answer; see ${this.directory}/ringback.log`, async () => {
      if (this.#process?.exitCode != null) throw new Error(`ringback has ended; see ${this.directory}/ringback.log`);
      return (await fetch(`${this.url}/health`).catch(() => null))?.ok ?? false;
    });
    return this;
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode != null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

export async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  listener.close();
  await once(listener, 'close');
  return port;
}

export async function until(what: string, holds: () => Promise<boolean>, limitMs = 20_000): Promise<void> {
  const limit = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > limit) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
