/** The user's account at the homeserver: rooms, invitations, names. Knows nothing of calls. */
import type { Session } from '../account/session';
import { Value } from '../store';
import { ClientEvent, createClient, EventType, Filter, HttpApiEvent, type MatrixClient, MemoryStore, type Room, RoomEvent, RoomMemberEvent, RoomStateEvent, SyncState } from './sdk';

export interface RoomSummary {
  roomId: string;
  name: string;
  avatarMxc: string | null;
  /** Gives the colour of a picture that is not there: the other person's in a room of two, as everywhere else. */
  avatarId: string;
  /** The other person, where the user keeps the room as a direct chat. */
  directUserId: string | null;
  encrypted: boolean;
  /** Joined members, the user too. */
  memberCount: number;
  lastActive: number;
}

export interface Invitation {
  roomId: string;
  name: string;
  avatarMxc: string | null;
  inviterId: string | null;
  direct: boolean;
}

export interface AccountSnapshot {
  /** `starting`: nothing has come from the homeserver yet; `retrying`: it does not answer. */
  sync: 'starting' | 'ready' | 'retrying';
  /** Whether rooms are there to be shown, be they out of date. */
  loaded: boolean;
  /** Direct chats first, then by last activity. */
  rooms: readonly RoomSummary[];
  invitations: readonly Invitation[];
}

/** Changes come in bursts: one new snapshot for each. */
const SETTLE_MS = 50;

export class Account extends Value<AccountSnapshot> {
  readonly client: MatrixClient;
  readonly userId: string;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #sync: AccountSnapshot['sync'] = 'starting';
  #loaded = false;

  constructor(session: Session, refused: () => void) {
    super({ sync: 'starting', loaded: false, rooms: [], invitations: [] });
    this.userId = session.userId;
    this.client = createClient({
      baseUrl: session.homeserverUrl,
      accessToken: session.accessToken,
      userId: session.userId,
      deviceId: session.deviceId,
      // One that leaves nothing in localStorage.
      store: new MemoryStore(),
      disableVoip: true,
      timelineSupport: false,
    });
    this.client.on(HttpApiEvent.SessionLoggedOut, refused);
    this.client.on(ClientEvent.Sync, this.#onSync);
    const later = () => {
      this.#refresh();
    };
    this.client.on(ClientEvent.Room, later);
    this.client.on(ClientEvent.DeleteRoom, later);
    this.client.on(ClientEvent.AccountData, later);
    this.client.on(RoomEvent.Name, later);
    this.client.on(RoomEvent.MyMembership, later);
    this.client.on(RoomEvent.Timeline, later);
    this.client.on(RoomStateEvent.Events, later);
    this.client.on(RoomMemberEvent.Name, later);
  }

  async start(): Promise<void> {
    const filter = new Filter(this.userId);
    filter.setDefinition({
      presence: { not_types: ['*'] },
      room: {
        timeline: { limit: 1 },
        ephemeral: { not_types: ['*'] },
        state: { lazy_load_members: true },
      },
    });
    await this.client.startClient({ filter, lazyLoadMembers: true, disablePresence: true, initialSyncLimit: 1 });
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.client.removeAllListeners();
    this.client.stopClient();
  }

  /** Ends the session at the homeserver too; where that cannot be reached, only here. */
  async logOut(): Promise<void> {
    const patience = new Promise((resolve) => setTimeout(resolve, 5000));
    await Promise.race([this.client.logout(true).catch(() => null), patience]);
  }

  retryNow(): void {
    this.client.retryImmediately();
  }

  room(roomId: string): Room | null {
    return this.client.getRoom(roomId);
  }

  /** Loads all members of a room, which the homeserver leaves out at first. */
  async loadMembers(roomId: string): Promise<void> {
    await this.room(roomId)?.loadMembersIfNeeded();
    this.#refresh();
  }

  async accept(invitation: Invitation): Promise<void> {
    await this.client.joinRoom(invitation.roomId);
    if (invitation.direct && invitation.inviterId) await this.#keepAsDirect(invitation.inviterId, invitation.roomId);
  }

  async decline(roomId: string): Promise<void> {
    await this.client.leave(roomId);
  }

  /** The direct chat with somebody: the one that there is, else a new one. Gives its room id. */
  async directChat(userId: string): Promise<string> {
    const known = this.snapshot.rooms.find((room) => room.directUserId === userId);
    if (known) return known.roomId;
    const { room_id: roomId } = await this.client.createRoom({
      is_direct: true,
      invite: [userId],
      preset: 'trusted_private_chat' as never,
    });
    await this.#keepAsDirect(userId, roomId);
    return roomId;
  }

  async #keepAsDirect(userId: string, roomId: string): Promise<void> {
    const directs = this.#directs();
    const rooms = directs[userId] ?? [];
    if (rooms.includes(roomId)) return;
    await this.client.setAccountData(EventType.Direct, { ...directs, [userId]: [...rooms, roomId] });
  }

  readonly #onSync = (state: SyncState) => {
    if (state === SyncState.Prepared || state === SyncState.Syncing || state === SyncState.Catchup) {
      this.#sync = 'ready';
      this.#loaded = true;
    } else if (state === SyncState.Reconnecting || state === SyncState.Error) {
      this.#sync = 'retrying';
    }
    this.#refresh();
  };

  #refresh(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.set(this.#read());
    }, SETTLE_MS);
  }

  #directs(): Record<string, string[]> {
    const content: unknown = this.client.getAccountData(EventType.Direct)?.getContent();
    const lists = Object.entries(Object(content) as Record<string, unknown>).filter((entry): entry is [string, string[]] => Array.isArray(entry[1]));
    return Object.fromEntries(lists);
  }

  #read(): AccountSnapshot {
    const directs = new Map<string, string>();
    for (const [userId, rooms] of Object.entries(this.#directs())) for (const roomId of rooms) directs.set(roomId, userId);
    const known = this.client.getRooms().filter((room) => !room.isSpaceRoom());
    const rooms = known
      .filter((room) => room.getMyMembership() === 'join')
      .map((room) => summary(room, directs.get(room.roomId) ?? null))
      .sort((a, b) => Number(b.directUserId !== null) - Number(a.directUserId !== null) || b.lastActive - a.lastActive);
    const invitations = known.filter((room) => room.getMyMembership() === 'invite').map((room) => invitation(room, this.userId));
    return { sync: this.#sync, loaded: this.#loaded, rooms, invitations };
  }
}

function summary(room: Room, directUserId: string | null): RoomSummary {
  // A room of two has the other person's picture, as it has the name.
  const other = room.getInvitedAndJoinedMemberCount() <= 2 ? room.getAvatarFallbackMember() : undefined;
  const avatarMxc = room.getMxcAvatarUrl() ?? other?.getMxcAvatarUrl() ?? null;
  return {
    roomId: room.roomId,
    name: room.name,
    avatarMxc,
    avatarId: directUserId ?? other?.userId ?? room.roomId,
    directUserId,
    encrypted: room.hasEncryptionStateEvent(),
    memberCount: room.getJoinedMemberCount(),
    lastActive: room.getLastActiveTimestamp(),
  };
}

function invitation(room: Room, userId: string): Invitation {
  const inviterId = room.getDMInviter() ?? room.getMember(userId)?.events.member?.getSender() ?? null;
  return { roomId: room.roomId, name: room.name, avatarMxc: room.getMxcAvatarUrl() ?? null, inviterId, direct: room.getDMInviter() !== undefined };
}
