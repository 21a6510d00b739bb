import { useEffect, useRef } from 'react';

/** Whether anybody has done anything yet: a page that has just been loaded leaves the focus at its start. */
let used = false;
for (const event of ['keydown', 'pointerdown', 'hashchange']) {
  addEventListener(
    event,
    () => {
      used = true;
    },
    { capture: true },
  );
}

/** Gives the focus to a heading when its page appears (or `page` changes), so that keyboard and screen reader start there. */
export function useFocusOnArrival<E extends HTMLElement>(page: unknown) {
  const ref = useRef<E>(null);
  useEffect(() => {
    if (used) ref.current?.focus({ preventScroll: true });
  }, [page]);
  return ref;
}
