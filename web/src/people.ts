/** Who is who: names and pictures of rooms and users, for whoever shows a call. */
export interface PersonInfo {
  name: string;
  /** A blob: URL, or null where there is none (yet). */
  avatarUrl: string | null;
}

export interface RoomInfo extends PersonInfo {
  isDirect: boolean;
  members: readonly { userId: string }[];
}

/** An unknown room or user gets its id (or the local part of it) as its name: it never throws. */
export interface People {
  room(roomId: string): RoomInfo;
  user(userId: string, roomId?: string): PersonInfo;
  subscribe(listener: () => void): () => void;
  /** Counts up with every change, so that it can be a snapshot. */
  readonly version: number;
}
