import { Text } from '@vector-im/compound-web';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { languages } from '../i18n';
import { chosenLanguage, settings } from '../settings';
import { useStore } from '../store';
import styles from './Plain.module.css';

/** The frame of the pages before login: a card below the mark, and the languages. */
export function Plain({ children, wide = false }: { children: ReactNode; wide?: boolean }) {
  const { t } = useTranslation();
  useStore(settings);
  const chosen = chosenLanguage();
  return (
    <div className={styles.page}>
      <header className={styles.brand}>
        <img src="/icon.svg" alt="" width={44} height={44} />
        <div>
          <Text as="p" size="lg" weight="semibold">
            {t('name')}
          </Text>
          <Text as="p" size="sm" className={styles.tagline}>
            {t('tagline')}
          </Text>
        </div>
      </header>
      <main className={wide ? styles.wide : styles.card}>{children}</main>
      <footer>
        <div className={styles.languages} role="group" aria-label={t('language')}>
        {languages.map((language) => (
          <button
            key={language}
            type="button"
            lang={language}
            aria-pressed={language === chosen}
            onClick={() => {
              settings.change({ language });
            }}
          >
            {t(`languages.${language}`)}
          </button>
        ))}
        </div>
      </footer>
    </div>
  );
}
