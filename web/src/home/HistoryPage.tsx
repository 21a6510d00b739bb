import { Avatar, Button, Heading, Text } from '@vector-im/compound-web';
import ArrowIcon from '@vector-im/compound-design-tokens/assets/web/icons/arrow-up-right';
import HistoryIcon from '@vector-im/compound-design-tokens/assets/web/icons/history';
import VideoIcon from '@vector-im/compound-design-tokens/assets/web/icons/video-call';
import VideoSolidIcon from '@vector-im/compound-design-tokens/assets/web/icons/video-call-solid';
import VoiceIcon from '@vector-im/compound-design-tokens/assets/web/icons/voice-call';
import VoiceSolidIcon from '@vector-im/compound-design-tokens/assets/web/icons/voice-call-solid';
import type { HistoryRow } from 'ringback-client';
import { useEffect, useId } from 'react';
import { useTranslation } from 'react-i18next';
import { localeOf } from '../i18n';
import { useStore } from '../store';
import { Empty } from '../ui/Empty';
import { IconAction } from '../ui/IconAction';
import { useFocusOnArrival } from '../ui/useFocusOnArrival';
import { useHome, usePeople } from './context';
import { dial } from './dial';
import { byDay, clock, type Day } from './history';
import { hrefs } from './router';
import page from './page.module.css';
import styles from './HistoryPage.module.css';

export function HistoryPage() {
  const { t } = useTranslation('history');
  const { t: general } = useTranslation();
  const { history } = useHome();
  const { rows, more, state } = useStore(history);
  const heading = useFocusOnArrival<HTMLHeadingElement>(null);
  useSeen();

  return (
    <main className={page.page} id="content" tabIndex={-1}>
      <div className={page.column}>
        <Heading as="h1" size="md" weight="semibold" ref={heading} tabIndex={-1} className={page.title}>
          {t('title')}
        </Heading>
        {byDay(rows).map((day) => (
          <DayGroup key={day.start} day={day} />
        ))}
        {state === 'ready' && rows.length === 0 && <Empty Icon={HistoryIcon} title={t('empty')} text={t('emptyText')} />}
        {state === 'loading' && (
          <Text as="p" role="status" className={styles.status}>
            {t('loading')}
          </Text>
        )}
        {state === 'failed' && (
          <div role="alert" className={styles.status}>
            <Text as="p">{t('failed')}</Text>
            <Button size="sm" kind="secondary" onClick={() => void (rows.length > 0 && more ? history.loadMore() : history.reload())}>
              {general('tryAgain')}
            </Button>
          </div>
        )}
        {state === 'ready' && more && (
          <Button size="sm" kind="secondary" className={styles.more} onClick={() => void history.loadMore()}>
            {t('more')}
          </Button>
        )}
      </div>
    </main>
  );
}

/** A list in a hidden tab has not been looked at. */
function useSeen() {
  const { history } = useHome();
  useEffect(() => {
    const look = () => {
      history.watch(!document.hidden);
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      history.watch(false);
    };
  }, [history]);
}

function DayGroup({ day }: { day: Day }) {
  const { t, i18n } = useTranslation('history');
  const id = useId();
  const today = new Date().setHours(0, 0, 0, 0);
  const yesterday = new Date(new Date(today).setDate(new Date(today).getDate() - 1)).getTime();
  const date = new Intl.DateTimeFormat(localeOf(i18n.language), { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
  const title = day.start === today ? t('today') : day.start === yesterday ? t('yesterday') : date.format(day.start);
  return (
    <section aria-labelledby={id} className={styles.day}>
      <Text as="h2" size="sm" weight="semibold" id={id} className={page.quiet}>
        {title}
      </Text>
      <ul className={styles.rows} aria-labelledby={id}>
        {day.rows.map((row) => (
          <Row key={row.callId} row={row} />
        ))}
      </ul>
    </section>
  );
}

function Row({ row }: { row: HistoryRow }) {
  const { t, i18n } = useTranslation('history');
  const { account, client } = useHome();
  const people = usePeople();
  const id = useId();
  const room = account.snapshot.rooms.find((one) => one.roomId === row.roomId);
  // A room that one has left is not known any more: then who called is the best there is.
  const shown = room ? { name: room.name, avatarUrl: people.picture(room.avatarMxc) } : people.user(row.initiatorId);
  const [Icon, CallIcon] = row.callType === 'video' ? [VideoSolidIcon, VideoIcon] : [VoiceSolidIcon, VoiceIcon];
  const time = new Intl.DateTimeFormat(localeOf(i18n.language), { hour: 'numeric', minute: '2-digit' }).format(new Date(row.createdAt));
  return (
    <li className={styles.row} data-missed={row.missed || undefined}>
      <Avatar id={room?.avatarId ?? row.initiatorId} name={shown.name} src={shown.avatarUrl ?? undefined} size="44px" aria-hidden />
      <div className={styles.texts}>
        {room ? (
          <a id={id} className={styles.name} href={hrefs.room(row.roomId)}>
            {shown.name}
          </a>
        ) : (
          <span id={id} className={styles.name}>
            {shown.name}
          </span>
        )}
        <span className={styles.about}>
          <Icon role="img" aria-label={t(`kind.${row.callType}`)} />
          <ArrowIcon aria-hidden data-direction={row.direction} />
          <span>
            {t(`outcome.${outcome(row)}`)} · <time dateTime={row.createdAt}>{time}</time>
            {row.durationMs !== null && (
              <>
                {' · '}
                <span aria-hidden>{clock(row.durationMs)}</span>
                <span className="visually-hidden">{t('duration', { time: clock(row.durationMs) })}</span>
              </>
            )}
          </span>
        </span>
      </div>
      {room && (
        <IconAction
          label={t('callBack')}
          Icon={CallIcon}
          aria-describedby={id}
          onClick={() => {
            dial(client, row.roomId, row.callType);
          }}
        />
      )}
    </li>
  );
}

function outcome({ direction, outcome: what, missed }: HistoryRow) {
  if (missed) return 'missed';
  const incoming = direction === 'incoming';
  switch (what) {
    case 'answered':
      return incoming ? 'answeredIn' : 'answeredOut';
    case 'rejected':
      return incoming ? 'rejectedIn' : 'rejectedOut';
    case 'cancelled':
      return incoming ? 'cancelledIn' : 'cancelledOut';
    case 'missed':
      return incoming ? 'missed' : 'missedOut';
  }
}
