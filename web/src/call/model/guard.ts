/**
 * Keeps someone who types while a call begins to ring from answering it by accident: a key presses a button only once the
 * screen has stood for `QUIET_MS`, and as long after the last key of a text.
 */
export const QUIET_MS = 500;

export class KeyGuard {
  #quietFrom: number;

  constructor(now: number) {
    this.#quietFrom = now + QUIET_MS;
  }

  /** Every key that comes in; one that is refused, or that belongs to a text, makes the wait longer. */
  key(key: string, now: number): boolean {
    const presses = key === 'Enter' || key === ' ';
    const allowed = presses && now >= this.#quietFrom;
    const text = key.length === 1 && key !== ' ';
    if (text || (presses && !allowed)) this.#quietFrom = now + QUIET_MS;
    return !presses || allowed;
  }

  allows(now: number): boolean {
    return now >= this.#quietFrom;
  }
}
