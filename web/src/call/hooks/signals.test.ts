import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Notifier } from './useNotifications';
import { blinkTitle } from './useTitle';

describe('the title', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    document.title = 'Ringback';
  });
  afterEach(() => vi.useRealTimers());

  test('changes to and fro while it rings, and is then what it was', () => {
    const stop = blinkTitle('Bob is calling');
    expect(document.title).toBe('Bob is calling');
    vi.advanceTimersByTime(1000);
    expect(document.title).toBe('Ringback');
    vi.advanceTimersByTime(1000);
    expect(document.title).toBe('Bob is calling');
    stop();
    expect(document.title).toBe('Ringback');
    vi.advanceTimersByTime(5000);
    expect(document.title).toBe('Ringback');
  });

  test('that the page has changed meanwhile is kept', () => {
    const stop = blinkTitle('Bob is calling');
    document.title = 'Team – Ringback';
    vi.advanceTimersByTime(1000);
    expect(document.title).toBe('Bob is calling');
    stop();
    expect(document.title).toBe('Team – Ringback');
  });
});

describe('notifications', () => {
  const made: FakeNotification[] = [];
  class FakeNotification {
    static permission = 'granted';
    onclick: (() => void) | null = null;
    readonly close = vi.fn();
    constructor(
      readonly title: string,
      readonly options: NotificationOptions,
    ) {
      made.push(this);
    }
  }
  beforeEach(() => {
    made.length = 0;
    FakeNotification.permission = 'granted';
    vi.stubGlobal('Notification', FakeNotification);
  });
  afterEach(() => vi.unstubAllGlobals());
  const bob = { tag: '1', title: 'Incoming voice call from Bob', body: '', icon: null };

  test('come once for each call, and go when it stops ringing', () => {
    const notifier = new Notifier();
    notifier.show([bob]);
    notifier.show([bob, { ...bob, tag: '2' }]);
    expect(made.map(({ options }) => options.tag)).toEqual(['1', '2']);
    notifier.keep(new Set(['2']));
    expect(made.map(({ close }) => close.mock.calls.length)).toEqual([1, 0]);
  });

  test('bring the page to the front when they are clicked', () => {
    const focus = vi.spyOn(window, 'focus').mockReturnValue();
    new Notifier().show([bob]);
    made[0]?.onclick?.();
    expect(focus).toHaveBeenCalledOnce();
    expect(made[0]?.close).toHaveBeenCalledOnce();
  });

  test('do not come where the browser has not allowed them', () => {
    FakeNotification.permission = 'default';
    new Notifier().show([bob]);
    expect(made).toEqual([]);
  });

  test('that the browser refuses to make harm nothing', () => {
    const refuse = function () {
      throw new TypeError('Illegal constructor');
    };
    vi.stubGlobal('Notification', Object.assign(refuse, { permission: 'granted' }));
    expect(() => new Notifier().show([bob])).not.toThrow();
  });
});
