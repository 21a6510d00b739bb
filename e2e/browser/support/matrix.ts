/** What users do at the homeserver before they call each other. */
import { createHmac, randomBytes } from 'node:crypto';
import { world } from './world.ts';

export interface Account {
  /** The name that others see. */
  name: string;
  userId: string;
  /** What is typed into the login form. */
  localpart: string;
  password: string;
  /** Of a device that no browser uses. */
  token: string;
}

/** `plain`: by the bare name, where nobody has it yet. */
export async function register(name: string, plain = false): Promise<Account> {
  const bare = name.toLowerCase();
  const unique = `${bare}-${randomBytes(4).toString('hex')}`;
  if (!plain) return registerAs(name, unique);
  return registerAs(name, bare).catch(() => registerAs(name, unique));
}

async function registerAs(name: string, localpart: string): Promise<Account> {
  const path = '/_synapse/admin/v1/register';
  const { nonce } = await ask('GET', path);
  const password = 'correct horse';
  const mac = createHmac('sha1', world.registrationSecret)
    .update([nonce, localpart, password, 'notadmin'].join('\0'))
    .digest('hex');
  const made = await ask('POST', path, null, { nonce, username: localpart, password, admin: false, mac });
  const account = { name, userId: made.user_id, localpart, password, token: made.access_token };
  await ask('PUT', `/_matrix/client/v3/profile/${encodeURIComponent(account.userId)}/displayname`, account, { displayname: name });
  return account;
}

/** A room of all; between two it is the kind that clients call a direct chat. */
export async function makeRoom(members: Account[], name?: string): Promise<string> {
  const [first, ...others] = members;
  const direct = others.length === 1;
  const invite = others.map((other) => other.userId);
  const { room_id: room } = await ask('POST', '/_matrix/client/v3/createRoom', first, {
    preset: 'private_chat',
    invite,
    is_direct: direct,
    ...(name && { name }),
  });
  for (const other of others) await ask('POST', `/_matrix/client/v3/join/${encodeURIComponent(room)}`, other, {});
  if (direct && !name) {
    await keepAsDirect(first!, others[0]!, room);
    await keepAsDirect(others[0]!, first!, room);
  }
  return room;
}

async function keepAsDirect(who: Account, other: Account, room: string): Promise<void> {
  const path = `/_matrix/client/v3/user/${encodeURIComponent(who.userId)}/account_data/m.direct`;
  const directs = await ask('GET', path, who).catch(() => ({}));
  await ask('PUT', path, who, { ...directs, [other.userId]: [room] });
}

/** So that the next test finds an empty list. */
export async function leaveRoom(member: Account, room: string): Promise<void> {
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}`;
  await ask('POST', `${path}/leave`, member, {});
  await ask('POST', `${path}/forget`, member, {});
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what the homeserver says, read where it is needed
async function ask(method: string, path: string, who?: Account | null, body?: unknown): Promise<any> {
  const headers = { 'Content-Type': 'application/json', ...(who && { Authorization: `Bearer ${who.token}` }) };
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const answer = await fetch(world.homeserver + path, init);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}
