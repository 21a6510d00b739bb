import { Form, Heading, Text } from '@vector-im/compound-web';
import BackIcon from '@vector-im/compound-design-tokens/assets/web/icons/arrow-left';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconAction } from '../ui/IconAction';
import { useFocusOnArrival } from '../ui/useFocusOnArrival';
import { useHome } from './context';
import { go, hrefs } from './router';
import page from './page.module.css';
import room from './RoomPage.module.css';
import account from '../account/account.module.css';

export function NewChat() {
  const { t } = useTranslation('rooms');
  const { t: general } = useTranslation();
  const tools = useHome();
  const heading = useFocusOnArrival<HTMLHeadingElement>(null);
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const start = async (event: SyntheticEvent) => {
    event.preventDefault();
    if (busy) return;
    const userId = typed.trim();
    setProblem(null);
    if (!/^@[^\s:]+:\S+$/.test(userId)) {
      setProblem(t('fresh.wrong'));
      return;
    }
    if (userId === tools.session.userId) {
      setProblem(t('fresh.self'));
      return;
    }
    setBusy(true);
    try {
      go(hrefs.room(await tools.account.directChat(userId)));
    } catch (error) {
      const { errcode, data } = Object(error) as { errcode?: string; data?: { error?: string } };
      setProblem(errcode === 'M_NOT_FOUND' ? t('fresh.unknown') : t('failed', { said: data?.error ?? String(error) }));
      setBusy(false);
    }
  };

  return (
    <div className={room.page}>
      <div className={room.bar}>
        <IconAction
          label={general('back')}
          Icon={BackIcon}
          onClick={() => {
            go(hrefs.rooms);
          }}
        />
      </div>
      <div className={page.column}>
        <Heading as="h1" size="md" weight="semibold" ref={heading} tabIndex={-1} className={page.title}>
          {t('fresh.title')}
        </Heading>
        <Form.Root
          className={account.form}
          onSubmit={(event) => {
            void start(event);
          }}
        >
          <Text as="p" className={page.quiet}>
            {t('fresh.text')}
          </Text>
          <Form.Field name="user" serverInvalid={problem !== null}>
            <Form.Label>{t('fresh.userId')}</Form.Label>
            <Form.TextControl
              value={typed}
              autoCapitalize="none"
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => {
                setTyped(event.currentTarget.value);
              }}
            />
            {problem && <Form.ErrorMessage role="alert">{problem}</Form.ErrorMessage>}
          </Form.Field>
          <Form.Submit disabled={busy || typed.trim() === ''}>{busy ? t('fresh.starting') : t('fresh.start')}</Form.Submit>
        </Form.Root>
      </div>
    </div>
  );
}
