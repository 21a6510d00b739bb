import { expect, test } from 'vitest';
import { loginProblem } from './login';

test.each([
  ['a wrong password', { errcode: 'M_FORBIDDEN', httpStatus: 403 }, { kind: 'wrong' }],
  ['a deactivated account', { errcode: 'M_USER_DEACTIVATED', httpStatus: 403 }, { kind: 'deactivated' }],
  ['too many attempts', { errcode: 'M_LIMIT_EXCEEDED', httpStatus: 429, data: { retry_after_ms: 2300 } }, { kind: 'limited', seconds: 3 }],
  ['a homeserver that is away', new TypeError('Failed to fetch'), { kind: 'unreachable' }],
  ['a homeserver behind a broken proxy', { httpStatus: 502 }, { kind: 'unreachable' }],
  ['anything else, in the server’s words', { errcode: 'M_UNKNOWN', httpStatus: 400, data: { error: 'Bad login' } }, { kind: 'other', said: 'Bad login' }],
])('%s has its own sentence', (_name, error, problem) => {
  expect(loginProblem(error)).toEqual(problem);
});

test('a refused single sign-on is no wrong password', () => {
  expect(loginProblem({ errcode: 'M_FORBIDDEN', httpStatus: 403 }, true)).toEqual({ kind: 'sso' });
});
