import { useTranslation } from 'react-i18next';
import styles from './Dialogs.module.css';
import { Modal } from './Modal';

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('call');
  const keys = [
    ['M', t('shortcuts.mute')],
    ['V', t('shortcuts.camera')],
    ['S', t('shortcuts.screen')],
    ['F', t('shortcuts.fullScreen')],
    ['D', t('shortcuts.devices')],
    ['Esc', t('shortcuts.minimise')],
    ['?', t('shortcuts.help')],
  ] as const;
  return (
    <Modal title={t('shortcuts.title')} closeLabel={t('shortcuts.close')} onClose={onClose}>
      <dl className={styles.keys}>
        {keys.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
