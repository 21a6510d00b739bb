import type { PersonInfo, People, RoomInfo } from '../people';
import type { Account } from './account';
import type { Avatars } from './avatars';
import type { Room } from './sdk';

/** Names and pictures as the account knows them now. */
export class MatrixPeople implements People {
  version = 0;
  readonly #account: Account;
  readonly #avatars: Avatars;
  readonly #listeners = new Set<() => void>();
  /** Whose members were asked for already. */
  readonly #loading = new Set<string>();

  constructor(account: Account, avatars: (changed: () => void) => Avatars) {
    this.#account = account;
    this.#avatars = avatars(() => {
      this.#changed();
    });
    account.subscribe(() => {
      this.#changed();
    });
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  room(roomId: string): RoomInfo {
    const room = this.#account.room(roomId);
    const summary = this.#account.snapshot.rooms.find((one) => one.roomId === roomId);
    if (!room) return { name: roomId, avatarUrl: null, isDirect: false, members: [] };
    this.#load(room);
    return {
      name: room.name,
      avatarUrl: this.picture(summary?.avatarMxc ?? room.getMxcAvatarUrl()),
      isDirect: summary?.directUserId != null,
      members: room.getJoinedMembers().map(({ userId }) => ({ userId })),
    };
  }

  user(userId: string, roomId?: string): PersonInfo {
    const member = this.#member(userId, roomId);
    const user = this.#account.client.getUser(userId);
    const name = (roomId ? member?.name : member?.rawDisplayName) ?? user?.displayName;
    return { name: name && name !== userId ? name : localPart(userId), avatarUrl: this.picture(member?.getMxcAvatarUrl() ?? user?.avatarUrl) };
  }

  picture(mxc: string | null | undefined): string | null {
    return this.#avatars.url(mxc);
  }

  close(): void {
    this.#avatars.close();
  }

  #member(userId: string, roomId?: string) {
    if (roomId) return this.#account.room(roomId)?.getMember(userId) ?? null;
    for (const room of this.#account.client.getRooms()) {
      const member = room.getMember(userId);
      if (member?.membership === 'join') return member;
    }
    return null;
  }

  #load(room: Room): void {
    if (this.#loading.has(room.roomId) || room.getMyMembership() !== 'join') return;
    this.#loading.add(room.roomId);
    this.#account.loadMembers(room.roomId).catch(() => this.#loading.delete(room.roomId));
  }

  #changed(): void {
    this.version++;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** «alice» of «@alice:example.org». */
export function localPart(userId: string): string {
  return /^@([^:]+):/.exec(userId)?.[1] ?? userId;
}
