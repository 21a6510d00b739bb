/** Pages are named by the part of the address after `#`, so that the server needs to know one address only. */
import { useSyncExternalStore } from 'react';

export type Route = { tab: 'rooms'; roomId: string | null; fresh: boolean } | { tab: 'calls' } | { tab: 'settings' };
export type Tab = Route['tab'];

export function parseRoute(hash: string): Route {
  const [tab, id] = hash.replace(/^#\/?/, '').split('/');
  if (tab === 'calls' || tab === 'settings') return { tab };
  if (tab === 'new') return { tab: 'rooms', roomId: null, fresh: true };
  return { tab: 'rooms', roomId: tab === 'rooms' && id ? decode(id) : null, fresh: false };
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

export const hrefs = {
  rooms: '#/rooms',
  calls: '#/calls',
  settings: '#/settings',
  fresh: '#/new',
  room: (roomId: string) => `#/rooms/${encodeURIComponent(roomId)}`,
};

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => {
    removeEventListener('hashchange', listener);
  };
}

/** The address's fragment: a string, so that an unchanged one is the same snapshot. */
export function useRoute(): Route {
  return parseRoute(useSyncExternalStore(subscribe, () => location.hash));
}

export function go(href: string): void {
  location.hash = href;
}
