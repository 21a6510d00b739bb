import CloseIcon from '@vector-im/compound-design-tokens/assets/web/icons/close';
import { Heading } from '@vector-im/compound-web';
import { type ReactNode, useEffect, useEffectEvent, useId, useRef } from 'react';
import styles from './Modal.module.css';

interface Props {
  title: string;
  closeLabel: string;
  onClose: () => void;
  children: ReactNode;
}

/** A dialog over the call. The call behind it is inert; the banner of another call is not. */
export function Modal({ title, closeLabel, onClose, children }: Props) {
  const dialog = useRef<HTMLDivElement>(null);
  const name = useId();
  const close = useEffectEvent(onClose);
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    if (!element) return undefined;
    element.focus();
    const key = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !event.defaultPrevented) {
        event.preventDefault();
        close();
      }
      if (event.key === 'Tab' && element.contains(document.activeElement)) goRound(element, event);
    };
    const press = (event: PointerEvent) => {
      if (event.target === element.parentElement) close();
    };
    document.addEventListener('keydown', key);
    document.addEventListener('pointerdown', press);
    return () => {
      document.removeEventListener('keydown', key);
      document.removeEventListener('pointerdown', press);
      // After the render that makes the call live again.
      queueMicrotask(() => {
        if (before instanceof HTMLElement && before.isConnected) before.focus();
      });
    };
  }, []);
  return (
    <div className={styles.backdrop}>
      <div ref={dialog} role="dialog" aria-modal="true" aria-labelledby={name} tabIndex={-1} className={styles.dialog}>
        <header className={styles.header}>
          <Heading as="h2" size="sm" weight="semibold" id={name}>
            {title}
          </Heading>
          <button type="button" className={styles.close} aria-label={closeLabel} onClick={onClose}>
            <CloseIcon aria-hidden />
          </button>
        </header>
        <div className={styles.body}>{children}</div>
      </div>
    </div>
  );
}

function goRound(dialog: HTMLElement, event: KeyboardEvent): void {
  const stops = [...dialog.querySelectorAll<HTMLElement>('button, input, select, a[href], [tabindex="0"]')].filter(
    (element) => !element.hasAttribute('disabled'),
  );
  const [first, last] = [stops[0], stops.at(-1)];
  const at = document.activeElement;
  const wrapped = event.shiftKey ? at === first || at === dialog : at === last;
  if (!wrapped) return;
  event.preventDefault();
  (event.shiftKey ? last : first)?.focus();
}
