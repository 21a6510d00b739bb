import { Button, Text } from '@vector-im/compound-web';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { settings } from '../settings';
import { useStore } from '../store';
import { Toggle } from './fields';
import page from './page.module.css';

/** The browser asks after a click only; and once it has been told no, only its own settings help. */
export function NotificationSettings() {
  const { t } = useTranslation('settings');
  const { notifications } = useStore(settings);
  const [permission, setPermission] = useState(() => ('Notification' in window ? Notification.permission : null));

  const ask = async () => {
    const answer = await Notification.requestPermission();
    setPermission(answer);
    settings.change({ notifications: answer === 'granted' });
  };

  if (permission === null) {
    return (
      <Text as="p" size="sm" className={page.quiet}>
        {t('notificationsMissing')}
      </Text>
    );
  }
  return (
    <>
      <Toggle
        label={t('notifications')}
        help={t('notificationsHelp')}
        on={notifications && permission === 'granted'}
        disabled={permission === 'denied'}
        onChange={(on) => {
          if (on && permission !== 'granted') void ask();
          else settings.change({ notifications: on });
        }}
      />
      {permission === 'default' && (
        <Button size="sm" kind="secondary" onClick={() => void ask()}>
          {t('notificationsAllow')}
        </Button>
      )}
      {permission === 'denied' && (
        <Text as="p" size="sm" role="status" className={page.quiet}>
          {t('notificationsBlocked')}
        </Text>
      )}
    </>
  );
}
