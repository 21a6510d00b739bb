import { lazy, Suspense, useEffect, useState } from 'react';
import { BackendPage, Looking } from './account/BackendPage';
import { logIn, type LoginProblem } from './account/login';
import { LoginPage, type Notice } from './account/LoginPage';
import { session } from './account/session';
import { setup } from './account/setup';
import type { SsoReturn } from './account/sso';
import { useStore } from './store';

// Everything behind the login, the SDK and the call screens too, so that an incoming call needs nothing from the network.
const Home = lazy(() => import('./home/Home'));

export type Leave = 'expired' | 'loggedOut';

export function App({ ssoReturn }: { ssoReturn: SsoReturn | null }) {
  const present = useStore(session);
  const state = useStore(setup);
  const [notice, setNotice] = useState<Notice | null>(null);
  const [former, setFormer] = useState<{ userId: string; deviceId: string } | null>(null);
  const sso = useSsoReturn(ssoReturn, setNotice);

  useEffect(() => {
    const look = () => {
      if (setup.snapshot.stage !== 'found') void setup.look(session.snapshot);
    };
    void setup.look(session.snapshot);
    addEventListener('online', look);
    return () => {
      removeEventListener('online', look);
    };
  }, []);

  const leave = (why: Leave) => {
    const old = session.snapshot;
    setFormer(why === 'expired' && old ? { userId: old.userId, deviceId: old.deviceId } : null);
    setNotice(why);
    session.forget();
    void setup.look(null);
  };

  if (state.stage === 'looking' || sso.busy) return <Looking />;
  if (state.stage === 'none') return <BackendPage key={state.typed} state={state} onRetry={() => void setup.look(session.snapshot)} />;
  if (!present) {
    return (
      <LoginPage
        state={state}
        notice={notice}
        former={former}
        firstProblem={sso.problem}
        onLogin={(account) => {
          setNotice(null);
          session.keep({ ...account, ringbackUrl: state.config.baseUrl });
        }}
      />
    );
  }
  return (
    <Suspense fallback={<Looking />}>
      <Home key={`${present.accessToken} ${state.config.baseUrl}`} session={present} config={state.config} onLeave={leave} />
    </Suspense>
  );
}

/** Trades the token that single sign-on brought for a session, if this tab had asked for it. */
function useSsoReturn(ssoReturn: SsoReturn | null, notify: (notice: Notice) => void): { busy: boolean; problem: LoginProblem | null } {
  const [busy, setBusy] = useState(ssoReturn?.pending != null);
  const [problem, setProblem] = useState<LoginProblem | null>(null);
  useEffect(() => {
    if (!ssoReturn) return;
    const { loginToken, pending } = ssoReturn;
    if (!pending) {
      notify('ssoForeign');
      return;
    }
    void logIn(pending.homeserverUrl, { loginToken }).then((answer) => {
      if ('account' in answer) session.keep({ ...answer.account, ringbackUrl: pending.ringbackUrl });
      else setProblem(answer.problem);
      setBusy(false);
    });
  }, [ssoReturn, notify]);
  return { busy, problem };
}
