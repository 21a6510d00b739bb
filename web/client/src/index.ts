export { Call } from './call.js';
export { RingbackClient } from './client.js';
export { findBackend } from './discovery.js';
export type { Attempt, Discovery, FindOptions } from './discovery.js';
export { RingbackError } from './errors.js';
export type { Store } from './store.js';
export type * from './types.js';
export type { CallType, HistoryPage, HistoryRow, ParticipantStatus, ServerEvent, ServerEvents } from './wire.js';
