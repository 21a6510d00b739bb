/** Everything about live calls, over the app: what rings, the call itself, its sounds, the page's title and notifications. */
import type { Call, RingbackClient } from 'ringback-client';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import { useTranslation } from 'react-i18next';
import type { People } from '../people';
import { settings } from '../settings';
import { useStore } from '../store';
import { CallingContext } from './hooks/calling';
import { useCalls, usePeople } from './hooks/useCalls';
import { type Notice, useNotifications } from './hooks/useNotifications';
import { useRinging } from './hooks/useRinging';
import { useBlinkingTitle } from './hooks/useTitle';
import { useWakeLock } from './hooks/useWakeLock';
import styles from './Layer.module.css';
import type { Arrangement } from './model/arrange';
import { callerOf, nameOf, type Words } from './model/words';
import { Announcer } from './ui/Announcer';
import { Bars, CallBar, Note, WaitingBar } from './ui/Bars';
import { CallScreen } from './ui/CallScreen';
import { Incoming, incomingTitle } from './ui/Incoming';
import { IncomingBanners } from './ui/IncomingBanner';
import { RemoteAudio } from './ui/RemoteAudio';

interface Props {
  client: RingbackClient;
  people: People;
}

export function CallLayer({ client, people }: Props) {
  const calls = useCalls(client);
  usePeople(people);
  useSignals(calls, people);
  const { live, incoming, waiting, over, notes } = calls;
  const [small, setSmall] = useState<Call | null>(null);
  const shown = live ?? over;
  const isSmall = shown !== null && shown === small;
  const [first, ...more] = incoming;
  const ringing = first && !live;
  const covers = Boolean(ringing) || (shown !== null && !isSmall);
  const host = useHost(covers);
  const calling = useMemo(() => ({ client, people }), [client, people]);
  return createPortal(
    <CallingContext value={calling}>
      {live && first && <IncomingBanners calls={incoming} live={live} />}
      {ringing && <Incoming calls={[first, ...more]} />}
      {!ringing && shown && !isSmall && <CallScreen key={keyOf(shown)} call={shown} onMinimise={() => setSmall(shown)} />}
      {!covers && (
        <Bars>
          {shown && <CallBar call={shown} onRestore={() => setSmall(null)} />}
          {waiting.map((call) => (
            <WaitingBar key={keyOf(call)} call={call} live={live} />
          ))}
          {notes.map((call) => (
            <Note key={keyOf(call)} call={call} mayDial={!live} />
          ))}
        </Bars>
      )}
      {live && <Sounds call={live} />}
      <Announcer call={live} />
    </CallingContext>,
    host,
  );
}

function Sounds({ call }: { call: Call }) {
  const { peers } = useStore(call);
  return <RemoteAudio peers={peers} />;
}

/** A call gets its id only once the server has answered, and stays the same object. */
const keys = new WeakMap<Call, number>();
let lastKey = 0;
function keyOf(call: Call): number {
  const known = keys.get(call) ?? ++lastKey;
  keys.set(call, known);
  return known;
}

/** What reaches the user who does not look at the page. */
function useSignals(calls: Arrangement, people: People): void {
  const { t } = useTranslation('call');
  const { ringtone, notifications } = useStore(settings);
  const { incoming, live } = calls;
  useRinging(calls, ringtone);
  useBlinkingTitle(ringingTitle(incoming, people, t));
  useNotifications(
    incoming.map((call) => notice(call, people, t)),
    notifications,
  );
  useWakeLock(live !== null);
}

function ringingTitle(incoming: readonly Call[], people: People, t: Words): string | null {
  const [first, second] = incoming;
  if (!first) return null;
  return second ? t('incoming.titleMany', { count: incoming.length }) : t('incoming.title', { name: callerOf(first.snapshot, people) });
}

function notice({ snapshot }: Call, people: People, t: Words): Notice {
  const name = callerOf(snapshot, people);
  const room = nameOf(snapshot, people);
  return {
    tag: snapshot.callId ?? '',
    title: incomingTitle(snapshot, name, t),
    body: room === name ? '' : t('incoming.inRoom', { room }),
    icon: people.user(snapshot.initiatorId, snapshot.roomId).avatarUrl,
  };
}

/** The element that the layer lives in. While it covers the app, nothing else can be reached; then the focus goes back. */
function useHost(covers: boolean): HTMLElement {
  const [host] = useState(() => {
    const element = document.createElement('div');
    element.dataset.callLayer = '';
    element.className = styles.layer ?? '';
    return element;
  });
  useLayoutEffect(() => {
    document.body.append(host);
    return () => host.remove();
  }, [host]);

  const focused = useRef<HTMLElement | null>(null);
  useEffect(() => {
    const remember = ({ target }: FocusEvent) => {
      if (target instanceof HTMLElement && !host.contains(target)) focused.current = target;
    };
    document.addEventListener('focusin', remember);
    return () => document.removeEventListener('focusin', remember);
  }, [host]);

  useEffect(() => {
    host.setAttribute('data-covers', String(covers));
    if (!covers) return undefined;
    const behind = [...document.body.children].filter((element) => element !== host && !element.hasAttribute('inert'));
    for (const element of behind) element.setAttribute('inert', '');
    return () => {
      for (const element of behind) element.removeAttribute('inert');
      if (focused.current?.isConnected) focused.current.focus();
    };
  }, [covers, host]);
  return host;
}
