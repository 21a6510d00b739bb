import { Button, Heading, Text } from '@vector-im/compound-web';
import { Component, type ReactNode } from 'react';
import { i18next } from '../i18n';
import { Plain } from './Plain';
import styles from './Crash.module.css';

/** A file of an older build that the server does not have any more. */
const outdated = (error: Error) => /dynamically imported module|Importing a module script failed|preload CSS/i.test(error.message);

/** Shows what happened in place of a blank page. */
export class Crash extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Plain>
        <div role="alert" className={styles.crash}>
          <Heading as="h1" size="md" weight="semibold">
            {i18next.t('crash.title')}
          </Heading>
          <Text as="p">{outdated(error) ? i18next.t('crash.outdated') : i18next.t('crash.text')}</Text>
          <Button
            onClick={() => {
              location.reload();
            }}
          >
            {i18next.t('crash.reload')}
          </Button>
          <details>
            <summary>{i18next.t('crash.details')}</summary>
            <code>{`${error.name}: ${error.message}`}</code>
          </details>
        </div>
      </Plain>
    );
  }
}
