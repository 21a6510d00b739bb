import { Form, Heading, Text } from '@vector-im/compound-web';
import CheckIcon from '@vector-im/compound-design-tokens/assets/web/icons/check-circle-solid';
import ErrorIcon from '@vector-im/compound-design-tokens/assets/web/icons/error';
import type { Attempt } from 'ringback-client';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Plain } from '../ui/Plain';
import { useFocusOnArrival } from '../ui/useFocusOnArrival';
import { homeserverUrlIn, serverNameIn } from './homeserver';
import { session } from './session';
import { type Setup, setup } from './setup';
import styles from './account.module.css';

/** No call server answers: what was tried, what came back, and what to do about it. */
export function BackendPage({ state, onRetry }: { state: Extract<Setup, { stage: 'none' }>; onRetry: () => void }) {
  const { t } = useTranslation();
  const heading = useFocusOnArrival<HTMLHeadingElement>(state);
  const [typed, setTyped] = useState(state.typed);
  // Asking the page's own server only is no failure yet: it may be any web server.
  const asking = state.typed === '';
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const unchanged = typed.trim() === state.typed;
    if (typed.trim() === '' || (unchanged && session.snapshot)) onRetry();
    else void setup.change(typed);
  };
  return (
    <Plain wide>
      <div className={styles.stack}>
        <Heading as="h1" size="md" weight="semibold" ref={heading} tabIndex={-1}>
          {asking ? t('backend.askTitle') : t('backend.title')}
        </Heading>
        {asking && <Text as="p">{t('backend.askText')}</Text>}
        <Form.Root onSubmit={submit} className={styles.form}>
          <Form.Field name="homeserver" serverInvalid={state.problem !== null}>
            <Form.Label>{t('backend.homeserver')}</Form.Label>
            <Form.TextControl
              value={typed}
              autoCapitalize="none"
              autoComplete="url"
              spellCheck={false}
              onChange={(event) => {
                setTyped(event.currentTarget.value);
              }}
            />
            {state.problem ? <Form.ErrorMessage>{t(`homeserverProblem.${state.problem}`)}</Form.ErrorMessage> : <Form.HelpMessage>{t('backend.homeserverHelp')}</Form.HelpMessage>}
          </Form.Field>
          <Form.Submit>{asking ? t('backend.continue') : t('tryAgain')}</Form.Submit>
        </Form.Root>
        <Attempts attempts={state.attempts} />
        {!asking && <Advice state={state} />}
      </div>
    </Plain>
  );
}

function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  const { t } = useTranslation();
  if (attempts.length === 0) return null;
  return (
    <section className={styles.stack} aria-labelledby="tried">
      <Heading as="h2" size="sm" weight="semibold" id="tried">
        {t('backend.tried')}
      </Heading>
      <ol className={styles.attempts}>
        {attempts.map((attempt, index) => (
          <li key={index}>
            {attempt.ok ? <CheckIcon className={styles.good} aria-hidden /> : <ErrorIcon className={styles.bad} aria-hidden />}
            <div>
              <Text as="p" weight="medium">
                {t(`backend.source.${attempt.source}`)}
              </Text>
              <code>{attempt.url}</code>
              <Text as="p" size="sm" className={styles.quiet}>
                {attempt.ok ? t('backend.worked') : t(`backend.problem.${attempt.problem ?? 'unreachable'}`, { status: attempt.status })}
              </Text>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Advice({ state: { typed, attempts } }: { state: Extract<Setup, { stage: 'none' }> }) {
  const { t } = useTranslation();
  const name = serverNameIn(typed) ?? new URL(homeserverUrlIn(typed) ?? 'https://example.org').host;
  return (
    <section className={styles.stack} aria-labelledby="to-do">
      <Heading as="h2" size="sm" weight="semibold" id="to-do">
        {t('backend.toDo')}
      </Heading>
      <Text as="p">{t('backend.user')}</Text>
      <Text as="p" className={styles.quiet}>
        {t('backend.operator', { url: attempts.find(({ source }) => source === 'well-known')?.url ?? `https://${name}/.well-known/matrix/client`, path: '/call-config.json', interpolation: { escapeValue: false } })}
      </Text>
      <code className={styles.line}>{`"dev.ringback.call": { "base_url": "https://calls.${name.replace(/:\d+$/, '')}" }`}</code>
    </section>
  );
}

export function Looking() {
  const { t } = useTranslation();
  return (
    <Plain>
      <Text as="p" role="status" className={styles.looking}>
        {t('backend.looking')}
      </Text>
    </Plain>
  );
}

