import { type CallConfig, RingbackClient } from 'ringback-client';
import { useEffect, useState } from 'react';
import type { Session } from '../account/session';
import type { Leave } from '../App';
import { CallLayer } from '../call';
import { Account } from '../matrix/account';
import { Avatars } from '../matrix/avatars';
import { MatrixPeople } from '../matrix/people';
import { HomeContext, type HomeTools } from './context';
import { CallHistory } from './history';
import { Layout } from './Layout';
import { askStatus, OngoingCalls } from './ongoing';

interface Props {
  session: Session;
  config: CallConfig;
  onLeave: (why: Leave) => void;
}

/** Everything behind the login: holds the connections to the homeserver and to the call server for as long as it is shown. */
export default function Home({ session, config, onLeave }: Props) {
  // Made once: whoever renders this gives it a key of the session and the server.
  const [{ tools, start, close }] = useState(() => connect(session, config, onLeave));
  useEffect(() => {
    start();
    return close;
  }, [start, close]);

  return (
    <HomeContext value={tools}>
      <Layout />
      <CallLayer client={tools.client} people={tools.people} />
    </HomeContext>
  );
}

function connect(session: Session, config: CallConfig, onLeave: (why: Leave) => void): { tools: HomeTools; start: () => void; close: () => void } {
  let left = false;
  const leave = (why: Leave) => {
    if (left) return;
    left = true;
    onLeave(why);
  };
  const expired = () => {
    leave('expired');
  };
  const account = new Account(session, expired);
  const people = new MatrixPeople(account, (changed) => new Avatars(session.homeserverUrl, session.accessToken, changed));
  const client = new RingbackClient({
    config,
    userId: session.userId,
    accessToken: session.accessToken,
    rejoinKey: 'ringback.call',
    ...(testRelay() ? { rtc: { iceTransportPolicy: 'relay' as const } } : {}),
  });
  const history = new CallHistory(client);
  const ongoing = new OngoingCalls(client, askStatus(config, session));
  const start = () => {
    client.on('refused', expired);
    client.start();
    history.start();
    ongoing.start();
    void account.start();
  };
  const logOut = async () => {
    left = true;
    client.stop();
    await account.logOut();
    onLeave('loggedOut');
  };
  const close = () => {
    left = true;
    history.close();
    ongoing.close();
    client.stop();
    people.close();
    account.close();
  };
  return { tools: { session, config, account, people, client, history, ongoing, logOut }, start, close };
}

/** `localStorage['ringback.relay'] = '1'` sends media over TURN only, e.g. to find out whether TURN works. */
function testRelay(): boolean {
  try {
    return localStorage.getItem('ringback.relay') === '1';
  } catch {
    return false;
  }
}
