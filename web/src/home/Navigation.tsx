import ChatIcon from '@vector-im/compound-design-tokens/assets/web/icons/chat';
import ChatSolidIcon from '@vector-im/compound-design-tokens/assets/web/icons/chat-solid';
import SettingsIcon from '@vector-im/compound-design-tokens/assets/web/icons/settings';
import SettingsSolidIcon from '@vector-im/compound-design-tokens/assets/web/icons/settings-solid';
import CallIcon from '@vector-im/compound-design-tokens/assets/web/icons/voice-call';
import CallSolidIcon from '@vector-im/compound-design-tokens/assets/web/icons/voice-call-solid';
import { useTranslation } from 'react-i18next';
import { hrefs, type Tab } from './router';
import styles from './Navigation.module.css';

const tabs = [
  { tab: 'rooms', Icon: ChatIcon, Chosen: ChatSolidIcon },
  { tab: 'calls', Icon: CallIcon, Chosen: CallSolidIcon },
  { tab: 'settings', Icon: SettingsIcon, Chosen: SettingsSolidIcon },
] as const;

/** Tabs at the bottom of a phone, a rail at the left of a desktop. */
export function Navigation({ tab: present, missed }: { tab: Tab; missed: number }) {
  const { t } = useTranslation();
  return (
    <nav className={styles.nav} aria-label={t('navigation')}>
      <img className={styles.mark} src="/icon.svg" alt="" width={40} height={40} />
      <ul>
        {tabs.map(({ tab, Icon, Chosen }) => (
          <li key={tab}>
            <a href={hrefs[tab]} aria-current={tab === present ? 'page' : undefined}>
              <span className={styles.icon}>
                {tab === present ? <Chosen aria-hidden /> : <Icon aria-hidden />}
                {tab === 'calls' && missed > 0 && (
                  <span className={styles.badge} aria-hidden>
                    {missed > 99 ? '99+' : missed}
                  </span>
                )}
              </span>
              <span className={styles.label}>{t(`tabs.${tab}`)}</span>
              {tab === 'calls' && missed > 0 && <span className="visually-hidden">{t('missedCalls', { count: missed })}</span>}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
