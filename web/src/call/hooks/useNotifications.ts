import { useEffect, useRef } from 'react';

export interface Notice {
  /** The call's id: two tabs with the same one show one notification. */
  tag: string;
  title: string;
  body: string;
  icon: string | null;
}

/** Notifications of the system for what rings, while the page is hidden. */
export function useNotifications(notices: readonly Notice[], wanted: boolean): void {
  const shown = useRef(new Notifier());
  useEffect(() => {
    const own = shown.current;
    const show = () => own.show(wanted && document.hidden ? notices : []);
    // Once shown it stays until the ringing stops, whether the page is seen again or not.
    own.keep(new Set(notices.map(({ tag }) => tag)));
    show();
    document.addEventListener('visibilitychange', show);
    return () => document.removeEventListener('visibilitychange', show);
  });
  useEffect(() => {
    const own = shown.current;
    return () => own.keep(new Set());
  }, []);
}

export class Notifier {
  #open = new Map<string, { close(): void }>();

  show(notices: readonly Notice[]): void {
    if (typeof Notification === 'undefined' || Notification.permission !== 'granted') return;
    for (const notice of notices) if (!this.#open.has(notice.tag)) this.#open.set(notice.tag, open(notice));
  }

  keep(tags: ReadonlySet<string>): void {
    for (const [tag, notification] of this.#open) {
      if (tags.has(tag)) continue;
      notification.close();
      this.#open.delete(tag);
    }
  }
}

function open({ tag, title, body, icon }: Notice): { close(): void } {
  try {
    const notification = new Notification(title, { tag, body, requireInteraction: true, ...(icon ? { icon } : {}) });
    notification.onclick = () => {
      window.focus();
      notification.close();
    };
    return notification;
  } catch {
    // Chrome on Android lets only a service worker do it. It rings all the same.
    return { close: () => undefined };
  }
}
