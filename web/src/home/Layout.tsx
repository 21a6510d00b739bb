import { Text } from '@vector-im/compound-web';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../store';
import { Banners } from './Banners';
import { useHome } from './context';
import { HistoryPage } from './HistoryPage';
import { Navigation } from './Navigation';
import { RoomsPage } from './RoomsPage';
import { type Route, useRoute } from './router';
import { SettingsPage } from './SettingsPage';
import styles from './Layout.module.css';

export function Layout() {
  const { t } = useTranslation();
  const route = useRoute();
  const { history } = useHome();
  const { missed } = useStore(history);
  const page = route.tab === 'rooms' && route.roomId !== null;

  useEffect(() => {
    // The title of a page with an incoming call belongs to the call layer, which puts it back.
    document.title = missed > 0 ? `(${missed}) ${t('name')}` : t('name');
  }, [missed, t]);

  return (
    <div className={styles.layout} data-detail={page || (route.tab === 'rooms' && route.fresh) || undefined}>
      <a className={styles.skip} href="#content" onClick={skip}>
        {t('skipToContent')}
      </a>
      <Navigation tab={route.tab} missed={missed} />
      <div className={styles.body}>
        <Banners />
        <Page route={route} />
      </div>
      <Text as="span" className="visually-hidden" role="status">
        {missed > 0 ? t('missedCalls', { count: missed }) : ''}
      </Text>
    </div>
  );
}

/** The fragment names the page here, so the link moves the focus by itself. */
function skip(event: { preventDefault: () => void }) {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function Page({ route }: { route: Route }) {
  switch (route.tab) {
    case 'rooms':
      return <RoomsPage roomId={route.roomId} fresh={route.fresh} />;
    case 'calls':
      return <HistoryPage />;
    case 'settings':
      return <SettingsPage />;
  }
}
