import { logger } from 'matrix-js-sdk/lib/logger.js';

/** The one door to matrix-js-sdk: only what is named here gets into the build, in a file that is loaded with the first login. */
export { ClientEvent, createClient, EventType, Filter, HttpApiEvent, MemoryStore, RoomEvent, RoomMemberEvent, RoomStateEvent, SyncState } from 'matrix-js-sdk/lib/matrix.js';
export type { MatrixClient, MatrixError, Room, RoomMember } from 'matrix-js-sdk/lib/matrix.js';

// What it tells otherwise is every request.
(logger as unknown as { setLevel: (level: string, persist: boolean) => void }).setLevel('warn', false);
