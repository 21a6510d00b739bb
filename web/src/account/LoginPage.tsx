import { Button, Form, Heading, InlineSpinner, Text } from '@vector-im/compound-web';
import ErrorIcon from '@vector-im/compound-design-tokens/assets/web/icons/error';
import HideIcon from '@vector-im/compound-design-tokens/assets/web/icons/visibility-off';
import ShowIcon from '@vector-im/compound-design-tokens/assets/web/icons/visibility-on';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconAction } from '../ui/IconAction';
import { Plain } from '../ui/Plain';
import { useFocusOnArrival } from '../ui/useFocusOnArrival';
import type { Homeserver } from './homeserver';
import { logIn, type LoginProblem } from './login';
import type { Session } from './session';
import { type Setup, setup } from './setup';
import { ssoAddress } from './sso';
import styles from './account.module.css';

type Found = Extract<Setup, { stage: 'found' }>;

export type Notice = 'expired' | 'loggedOut' | 'ssoForeign';

interface Props {
  state: Found;
  notice: Notice | null;
  firstProblem: LoginProblem | null;
  /** The session that the homeserver has ended: its name is filled in, and its device taken over again. */
  former: { userId: string; deviceId: string } | null;
  onLogin: (account: Omit<Session, 'ringbackUrl'>) => void;
}

export function LoginPage({ state, notice, firstProblem, former, onLogin }: Props) {
  const { t } = useTranslation('login');
  const heading = useFocusOnArrival<HTMLHeadingElement>(notice);
  const { config, homeserver } = state;
  const passwordOffered = homeserver?.flows.password ?? true;
  return (
    <Plain>
      <div className={styles.stack}>
        <Heading as="h1" size="md" weight="semibold" ref={heading} tabIndex={-1}>
          {t('title')}
        </Heading>
        <Text as="p" className={styles.quiet}>
          {t('text')}
        </Text>
        {notice && (
          <Text as="p" size="sm" role="status" className={styles.notice}>
            {t(`notice.${notice}`)}
          </Text>
        )}
        <PasswordForm state={state} former={former} firstProblem={firstProblem} onLogin={onLogin} />
        {homeserver?.flows.sso && <SingleSignOn homeserver={homeserver} ringbackUrl={config.baseUrl} apart={passwordOffered} />}
      </div>
    </Plain>
  );
}

function PasswordForm({ state, former, firstProblem, onLogin }: Omit<Props, 'notice'>) {
  const { t } = useTranslation('login');
  const [homeserver, setHomeserver] = useState(state.typed);
  const [username, setUsername] = useState(former?.userId ?? '');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<LoginProblem | null>(firstProblem);
  const passwordOffered = state.homeserver?.flows.password ?? true;

  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(null);
    const found = await setup.change(homeserver);
    if (found?.flows.password) {
      const device = former?.userId === username.trim() ? former.deviceId : undefined;
      const answer = await logIn(found.url, { username, password }, device);
      if ('account' in answer) {
        onLogin(answer.account);
        return;
      }
      setProblem(answer.problem);
    }
    setBusy(false);
  };

  return (
    <Form.Root
      className={styles.form}
      onSubmit={(event) => {
        void submit(event);
      }}
    >
      <HomeserverField state={state} value={homeserver} onChange={setHomeserver} />
      {passwordOffered && (
        <>
          <Form.Field name="username">
            <Form.Label>{t('username')}</Form.Label>
            <Form.TextControl
              value={username}
              required
              autoCapitalize="none"
              autoComplete="username"
              spellCheck={false}
              onChange={(event) => {
                setUsername(event.currentTarget.value);
              }}
            />
            <Form.ErrorMessage match="valueMissing">{t('required')}</Form.ErrorMessage>
          </Form.Field>
          <PasswordField value={password} onChange={setPassword} />
          {problem && <Problem problem={problem} />}
          <Form.Submit disabled={busy}>
            {busy && <InlineSpinner aria-hidden />}
            {busy ? t('submitting') : t('submit')}
          </Form.Submit>
        </>
      )}
      {!passwordOffered && (
        <Text as="p" size="sm" className={styles.quiet}>
          {t('ssoOnly')}
        </Text>
      )}
      {!passwordOffered && problem && <Problem problem={problem} />}
    </Form.Root>
  );
}

function HomeserverField({ state, value, onChange }: { state: Found; value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation('login');
  const { t: general } = useTranslation();
  // Ringback's own page may talk to its own homeserver alone: its policy says so.
  const fixed = new URL(state.config.baseUrl).origin === location.origin;
  return (
    <Form.Field name="homeserver" serverInvalid={state.problem !== null}>
      <Form.Label>{t('homeserver')}</Form.Label>
      <Form.TextControl
        value={value}
        required
        readOnly={fixed}
        autoCapitalize="none"
        autoComplete="url"
        inputMode="url"
        spellCheck={false}
        onChange={(event) => {
          onChange(event.currentTarget.value);
        }}
        onBlur={() => {
          if (value.trim() !== '' && value.trim() !== state.typed) void setup.change(value);
        }}
      />
      <Form.ErrorMessage match="valueMissing">{t('required')}</Form.ErrorMessage>
      {state.problem && <Form.ErrorMessage>{general(`homeserverProblem.${state.problem}`)}</Form.ErrorMessage>}
      {!state.problem && <Form.HelpMessage role="status">{state.checking ? t('checking') : t(fixed ? 'homeserverFixed' : 'homeserverHelp')}</Form.HelpMessage>}
    </Form.Field>
  );
}

function PasswordField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation('login');
  const [shown, setShown] = useState(false);
  return (
    <Form.Field name="password">
      <Form.Label>{t('password')}</Form.Label>
      <div className={styles.password}>
        <Form.TextControl
          value={value}
          required
          type={shown ? 'text' : 'password'}
          autoComplete="current-password"
          onChange={(event) => {
            onChange(event.currentTarget.value);
          }}
        />
        <IconAction
          label={shown ? t('hide') : t('show')}
          Icon={shown ? ShowIcon : HideIcon}
          onClick={() => {
            setShown(!shown);
          }}
        />
      </div>
      <Form.ErrorMessage match="valueMissing">{t('required')}</Form.ErrorMessage>
    </Form.Field>
  );
}

function Problem({ problem }: { problem: LoginProblem }) {
  const { t } = useTranslation('login');
  const sentence = () => {
    switch (problem.kind) {
      case 'limited':
        return t('problem.limited', { count: problem.seconds });
      case 'other':
        return t('problem.other', { said: problem.said });
      case 'wrong':
      case 'deactivated':
      case 'unreachable':
      case 'sso':
        return t(`problem.${problem.kind}`);
    }
  };
  return (
    <Text as="div" size="sm" role="alert" className={styles.problem}>
      <ErrorIcon aria-hidden />
      <span>{sentence()}</span>
    </Text>
  );
}

function SingleSignOn({ homeserver, ringbackUrl, apart }: { homeserver: Homeserver; ringbackUrl: string; apart: boolean }) {
  const { t } = useTranslation('login');
  const { providers } = homeserver.flows;
  const leave = (provider?: string) => {
    location.assign(ssoAddress(homeserver.url, ringbackUrl, provider));
  };
  return (
    <>
      {apart && <div className={styles.or}>{t('or')}</div>}
      <div className={styles.providers}>
        {providers.length <= 1 ? (
          <Button
            kind={apart ? 'secondary' : 'primary'}
            onClick={() => {
              leave(providers[0]?.id);
            }}
          >
            {providers[0] ? t('ssoWith', { name: providers[0].name }) : t('sso')}
          </Button>
        ) : (
          providers.map(({ id, name }) => (
            <Button
              key={id}
              kind="secondary"
              onClick={() => {
                leave(id);
              }}
            >
              {t('ssoWith', { name })}
            </Button>
          ))
        )}
      </div>
    </>
  );
}
