import type { Call, CallSnapshot } from 'ringback-client';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCalling } from '../hooks/calling';
import { announcements } from '../model/announce';
import { personName } from '../model/words';
import styles from './Announcer.module.css';

/** Says what happens in a call to those who do not see it. */
export function Announcer({ call }: { call: Call | null }) {
  const { t } = useTranslation('call');
  const { people } = useCalling();
  const [said, setSaid] = useState<readonly string[]>([]);
  const latest = useRef({ t, people });
  useEffect(() => {
    latest.current = { t, people };
  });
  useEffect(() => {
    if (!call) return undefined;
    let before: CallSnapshot = call.snapshot;
    return call.subscribe(() => {
      const now = call.snapshot;
      const { t: words, people: known } = latest.current;
      const news = announcements(before, now, (userId) => personName(now, userId, known), words);
      before = now;
      if (news.length > 0) setSaid(news);
    });
  }, [call]);
  return (
    <div aria-live="polite" className={styles.announcer}>
      {said.join('. ')}
    </div>
  );
}
