import { Button } from '@vector-im/compound-web';
import OfflineIcon from '@vector-im/compound-design-tokens/assets/web/icons/offline';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../store';
import { useHome } from './context';
import styles from './Banners.module.css';

/** A connection that is away for a moment is nothing to tell. */
const PATIENCE_MS = 800;

function subscribeOnline(listener: () => void): () => void {
  addEventListener('online', listener);
  addEventListener('offline', listener);
  return () => {
    removeEventListener('online', listener);
    removeEventListener('offline', listener);
  };
}

/** What does not work just now, and since the rest does, only as a strip over it. */
export function Banners() {
  const { t } = useTranslation();
  const { client, account } = useHome();
  const { connection } = useStore(client);
  const { sync, loaded } = useStore(account);
  const online = useSyncExternalStore(subscribeOnline, () => navigator.onLine);
  const away = useLasting(connection === 'reconnecting' || connection === 'connecting', connection === 'connecting' ? 3000 : PATIENCE_MS);
  const homeserverAway = useLasting(sync === 'retrying' && loaded, PATIENCE_MS);
  return (
    <div role="status" aria-live="polite">
      {away && (
        <div className={styles.banner}>
          <OfflineIcon aria-hidden />
          <p>
            <strong>{t('connection.reconnecting')}</strong> {online ? t('connection.reconnectingHelp') : t('connection.offline')}
          </p>
          <Button
            kind="tertiary"
            size="sm"
            onClick={() => {
              client.reconnectNow();
              account.retryNow();
            }}
          >
            {t('connection.connectNow')}
          </Button>
        </div>
      )}
      {!away && homeserverAway && (
        <div className={styles.banner}>
          <OfflineIcon aria-hidden />
          <p>
            <strong>{t('connection.homeserver')}.</strong> {t('connection.homeserverHelp')}
          </p>
        </div>
      )}
    </div>
  );
}

/** True once `now` has been true for that long. */
function useLasting(now: boolean, ms: number): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    if (!now) return;
    const timer = setTimeout(() => {
      setLasting(true);
    }, ms);
    return () => {
      clearTimeout(timer);
      setLasting(false);
    };
  }, [now, ms]);
  return now && lasting;
}
