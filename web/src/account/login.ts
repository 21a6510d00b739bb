/** Logging in, and out of what can go wrong with it. The Matrix SDK is loaded when it is needed first. */
import type { LoginRequest } from 'matrix-js-sdk';
import type { Session } from './session';

export type LoginProblem =
  | { kind: 'wrong' }
  | { kind: 'deactivated' }
  | { kind: 'limited'; seconds: number }
  | { kind: 'unreachable' }
  | { kind: 'sso' }
  | { kind: 'other'; said: string };

export type Credentials = { username: string; password: string } | { loginToken: string };

/** What the device is called in the user's list of sessions. */
const DEVICE_NAME = 'Ringback softphone';

export type LoginAnswer = { account: Omit<Session, 'ringbackUrl'> } | { problem: LoginProblem };

/** `deviceId` takes a former device over again, after a soft logout. */
export async function logIn(homeserverUrl: string, credentials: Credentials, deviceId?: string): Promise<LoginAnswer> {
  try {
    const { createClient } = await import('../matrix/sdk');
    const answer = await createClient({ baseUrl: homeserverUrl }).loginRequest({
      ...proof(credentials),
      initial_device_display_name: DEVICE_NAME,
      ...(deviceId ? { device_id: deviceId } : {}),
    });
    const { user_id: userId, device_id, access_token: accessToken } = answer;
    return { account: { homeserverUrl, userId, deviceId: device_id, accessToken } };
  } catch (error) {
    return { problem: loginProblem(error, 'loginToken' in credentials) };
  }
}

function proof(credentials: Credentials): LoginRequest {
  if ('loginToken' in credentials) return { type: 'm.login.token', token: credentials.loginToken };
  const identifier = { type: 'm.id.user', user: credentials.username.trim() };
  return { type: 'm.login.password', identifier, password: credentials.password };
}

/** Reads the SDK's `MatrixError`, or whatever else was thrown. */
export function loginProblem(error: unknown, bySso = false): LoginProblem {
  const { errcode, httpStatus, data, message } = Object(error) as {
    errcode?: string;
    httpStatus?: number;
    data?: { error?: string; retry_after_ms?: number };
    message?: string;
  };
  if (errcode === 'M_LIMIT_EXCEEDED' || httpStatus === 429) return { kind: 'limited', seconds: Math.max(1, Math.ceil((data?.retry_after_ms ?? 5000) / 1000)) };
  if (errcode === 'M_USER_DEACTIVATED') return { kind: 'deactivated' };
  if (httpStatus === 401 || httpStatus === 403) return bySso ? { kind: 'sso' } : { kind: 'wrong' };
  if (httpStatus === undefined || httpStatus >= 500) return { kind: 'unreachable' };
  return { kind: 'other', said: data?.error ?? message ?? errcode ?? String(error) };
}
