import type { CallOutcome, CallPhase } from 'ringback-client';
import { describe, expect, test } from 'vitest';
import { FakeCall, snapshot } from '../gallery/fakes';
import { arrange } from './arrange';

const call = (some: Parameters<typeof snapshot>[0]) => new FakeCall(snapshot(some)).asCall;
const never = () => false;
const always = () => true;

test.each<CallPhase>(['calling', 'ringing', 'connecting', 'connected', 'reconnecting'])('a call that is %s has the screen', (phase) => {
  const own = call({ phase });
  expect(arrange([own], never)).toEqual({ live: own, incoming: [], waiting: [], over: null, notes: [], silent: [] });
});

test.each<CallPhase>(['rejoinable', 'elsewhere'])('a call that is %s waits in a bar', (phase) => {
  const own = call({ phase });
  expect(arrange([own], never)).toMatchObject({ live: null, waiting: [own] });
});

test('calls that ring together are a list, oldest first', () => {
  const calls = [call({ phase: 'incoming' }), call({ phase: 'incoming' })];
  expect(arrange(calls, never).incoming).toEqual(calls);
});

test('a call that rings during another one leaves it the screen', () => {
  const [live, rings] = [call({ phase: 'connected' }), call({ phase: 'incoming' })];
  expect(arrange([live, rings], never)).toMatchObject({ live, incoming: [rings] });
});

describe('a call that is over', () => {
  const over = (outcome: CallOutcome, direction: 'incoming' | 'outgoing') => call({ phase: 'over', outcome, direction });

  test.each<CallOutcome>(['rejected', 'busy', 'missed', 'unreachable', 'cancelled', 'failed', 'ended'])('dialled here and %s: the screen says so', (outcome) => {
    const own = over(outcome, 'outgoing');
    expect(arrange([own], always).over).toBe(own);
  });

  test.each<CallOutcome>(['missed', 'cancelled', 'answered-elsewhere', 'rejected-elsewhere'])('rang here and was %s: a note', (outcome) => {
    const own = over(outcome, 'incoming');
    expect(arrange([own], never)).toMatchObject({ over: null, notes: [own], silent: [] });
  });

  test.each<CallOutcome>(['rejected', 'ended'])('rang here and was %s: nothing more', (outcome) => {
    const own = over(outcome, 'incoming');
    expect(arrange([own], never)).toMatchObject({ over: null, notes: [], silent: [own] });
  });

  test('was answered here: the screen tells how it ended', () => {
    const own = over('ended', 'incoming');
    expect(arrange([own], always).over).toBe(own);
  });

  test('could not be answered: the screen tells why', () => {
    const own = over('failed', 'incoming');
    expect(arrange([own], never).over).toBe(own);
  });

  test.each<CallPhase>(['incoming', 'calling'])('makes way for one that is %s', (phase) => {
    const [own, next] = [over('busy', 'outgoing'), call({ phase })];
    expect(arrange([own, next], always)).toMatchObject({ over: null, silent: [own] });
  });
});
