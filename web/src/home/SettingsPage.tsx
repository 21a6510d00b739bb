import { Button, Heading, Text } from '@vector-im/compound-web';
import SignOutIcon from '@vector-im/compound-design-tokens/assets/web/icons/sign-out';
import { type ReactNode, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { languages } from '../i18n';
import { settings, themes } from '../settings';
import { useStore } from '../store';
import { useFocusOnArrival } from '../ui/useFocusOnArrival';
import { useHome } from './context';
import { DeviceSettings } from './DeviceSettings';
import { NotificationSettings } from './NotificationSettings';
import { Choice, Toggle } from './fields';
import page from './page.module.css';
import styles from './SettingsPage.module.css';

export function SettingsPage() {
  const { t } = useTranslation('settings');
  const heading = useFocusOnArrival<HTMLHeadingElement>(null);
  return (
    <main className={page.page} id="content" tabIndex={-1}>
      <div className={`${page.column} ${styles.sections}`}>
        <Heading as="h1" size="md" weight="semibold" ref={heading} tabIndex={-1}>
          {t('title')}
        </Heading>
        <Calls />
        <Section title={t('devices')}>
          <DeviceSettings />
        </Section>
        <Appearance />
        <AccountSettings />
        <About />
      </div>
    </main>
  );
}

export function Section({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={styles.section}>
      <Heading as="h2" size="sm" weight="semibold" id={id}>
        {title}
      </Heading>
      <div className={styles.card}>{children}</div>
    </section>
  );
}

function Calls() {
  const { t } = useTranslation('settings');
  const { ringtone } = useStore(settings);
  return (
    <Section title={t('calls')}>
      <Toggle
        label={t('ringtone')}
        help={t('ringtoneHelp')}
        on={ringtone}
        onChange={(on) => {
          settings.change({ ringtone: on });
        }}
      />
      <NotificationSettings />
    </Section>
  );
}

function Appearance() {
  const { t } = useTranslation('settings');
  const { t: general } = useTranslation();
  const { theme, language } = useStore(settings);
  return (
    <Section title={t('appearance')}>
      <Choice
        label={t('theme')}
        value={theme}
        options={themes.map((one) => ({ value: one, label: t(`themes.${one}`) }))}
        onChange={(value) => {
          settings.change({ theme: themes.find((one) => one === value) ?? 'system' });
        }}
      />
      <Choice
        label={t('language')}
        value={language ?? ''}
        options={[{ value: '', label: t('languageSystem') }, ...languages.map((one) => ({ value: one, label: general(`languages.${one}`) }))]}
        onChange={(value) => {
          settings.change({ language: languages.find((one) => one === value) ?? null });
        }}
      />
    </Section>
  );
}

function AccountSettings() {
  const { t } = useTranslation('settings');
  const { session, client, logOut } = useHome();
  const { calls } = useStore(client);
  const [busy, setBusy] = useState(false);
  const inCall = calls.some(({ snapshot }) => ['connecting', 'connected', 'reconnecting'].includes(snapshot.phase));
  return (
    <Section title={t('account')}>
      <Facts
        facts={[
          [t('userId'), session.userId],
          [t('homeserver'), session.homeserverUrl],
          [t('device'), session.deviceId],
        ]}
      />
      {inCall && (
        <Text as="p" size="sm">
          {t('logOutInCall')}
        </Text>
      )}
      <Button
        kind="secondary"
        destructive
        size="sm"
        Icon={SignOutIcon}
        disabled={busy}
        className={styles.logOut}
        onClick={() => {
          setBusy(true);
          void logOut();
        }}
      >
        {busy ? t('loggingOut') : t('logOut')}
      </Button>
    </Section>
  );
}

function About() {
  const { t } = useTranslation('settings');
  const { config } = useHome();
  return (
    <Section title={t('about')}>
      <Facts
        facts={[
          [t('version'), __VERSION__],
          [t('server'), config.baseUrl],
        ]}
      />
      <a href="/licences.md" target="_blank" rel="noreferrer" className={styles.link}>
        {t('licences')}
      </a>
    </Section>
  );
}

function Facts({ facts }: { facts: [name: string, value: string][] }) {
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
