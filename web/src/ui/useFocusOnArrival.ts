import { useEffect, useRef } from 'react';

/** Gives the focus to a heading when its page appears (or `page` changes), so that keyboard and screen reader start there. */
export function useFocusOnArrival<E extends HTMLElement>(page: unknown) {
  const ref = useRef<E>(null);
  useEffect(() => {
    ref.current?.focus({ preventScroll: true });
  }, [page]);
  return ref;
}
