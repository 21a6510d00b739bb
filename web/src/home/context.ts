import type { CallConfig, RingbackClient } from 'ringback-client';
import { createContext, useContext, useSyncExternalStore } from 'react';
import type { Session } from '../account/session';
import type { Account } from '../matrix/account';
import type { MatrixPeople } from '../matrix/people';
import type { CallHistory } from './history';
import type { OngoingCalls } from './ongoing';

/** What every page behind the login works with. */
export interface HomeTools {
  session: Session;
  config: CallConfig;
  account: Account;
  people: MatrixPeople;
  client: RingbackClient;
  history: CallHistory;
  ongoing: OngoingCalls;
  logOut: () => Promise<void>;
}

export const HomeContext = createContext<HomeTools | null>(null);

export function useHome(): HomeTools {
  const tools = useContext(HomeContext);
  if (!tools) throw new Error('useHome outside of Home');
  return tools;
}

/** The names and pictures, and a new rendering when they change. */
export function usePeople(): MatrixPeople {
  const { people } = useHome();
  useSyncExternalStore(people.subscribe, () => people.version);
  return people;
}
