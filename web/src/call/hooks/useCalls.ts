import type { Call, RingbackClient } from 'ringback-client';
import { useEffect, useState, useSyncExternalStore } from 'react';
import type { People } from '../../people';
import { useStore } from '../../store';
import { arrange, type Arrangement, isLive } from '../model/arrange';

/** The arrangement of all calls, new whenever one of them has changed. */
export function useCalls(client: RingbackClient): Arrangement {
  const { calls } = useStore(client);
  useEach(calls);
  const [lived] = useState(() => new WeakSet<Call>());
  for (const call of calls) if (isLive(call.snapshot)) lived.add(call);
  const arrangement = arrange(calls, (call) => lived.has(call));
  const { silent } = arrangement;
  useEffect(() => {
    for (const call of silent) call.dismiss();
  });
  return arrangement;
}

function useEach(calls: readonly Call[]): void {
  const [, setVersion] = useState(0);
  useEffect(() => {
    const changed = () => setVersion((version) => version + 1);
    const leave = calls.map((call) => call.subscribe(changed));
    changed(); // something may have changed before we listened
    return () => {
      for (const stop of leave) stop();
    };
  }, [calls]);
}

/** Renders again when a name or a picture has come. */
export function usePeople(people: People): void {
  useSyncExternalStore(
    (listener) => people.subscribe(listener),
    () => people.version,
  );
}
