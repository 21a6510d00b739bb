import { Heading, Text } from '@vector-im/compound-web';
import type { CallSnapshot } from 'ringback-client';
import { useTranslation } from 'react-i18next';
import { useCalling } from '../hooks/calling';
import { nameOf, personName, status } from '../model/words';
import styles from './Hero.module.css';
import { CallAvatar, UserAvatar } from './Person';

/** Whom one waits for, in the middle of the screen, while nobody else is in the call. */
export function Hero({ call, veiled }: { call: CallSnapshot; veiled: boolean }) {
  const { t } = useTranslation('call');
  const { people } = useCalling();
  const rings = call.phase === 'calling' || call.phase === 'ringing';
  const text = status(call, people, t) ?? t('status.alone');
  return (
    <div className={styles.hero} data-veiled={veiled || undefined}>
      <span className={styles.picture} data-rings={rings || undefined}>
        <CallAvatar call={call} size={120} />
      </span>
      <Heading as="h1" size="xl" weight="semibold" className={styles.name}>
        {nameOf(call, people)}
      </Heading>
      <Text as="p" size="lg" role="status" className={styles.status}>
        {text}
      </Text>
      {call.isGroup && <StillRinging call={call} />}
    </div>
  );
}

/** Who has not answered yet. */
export function StillRinging({ call }: { call: CallSnapshot }) {
  const { t } = useTranslation('call');
  const { people } = useCalling();
  const ringing = call.others.filter(({ status: at }) => at === 'ringing' || at === 'invited');
  if (ringing.length === 0 || call.phase === 'calling') return null;
  return (
    <ul className={styles.ringing} aria-label={t('stage.stillRinging')}>
      {ringing.map(({ userId }) => (
        <li key={userId} className={styles.chip}>
          <UserAvatar call={call} userId={userId} size={24} />
          <span className={styles.chipName}>{personName(call, userId, people)}</span>
          <span className={styles.dots} aria-hidden />
        </li>
      ))}
    </ul>
  );
}
