// Which of the four states one is in decides what is on the screen; the address decides the rest.

import { Button } from '@mantine/core';
import { Activity, lazy, Suspense, useEffect, useState } from 'react';
import { Redirect, useLocation } from 'wouter';

import type { UserId } from '../core/wire';
import { Door } from '../parts/Door';
import { Logo } from '../parts/Logo';
import { Toasts } from '../parts/Toasts';
import { FirstPassword } from '../screens/door/FirstPassword';
import { SignIn } from '../screens/door/SignIn';
import { loadShell, useShell } from './behind';
import { useCell, useClient, useErrorText, useSlow, useT } from './hooks';
import { paths } from './paths';

const Setup = lazy(async () => ({ default: (await import('../screens/door/Setup')).Setup }));

export function App() {
  return (
    <>
      <Inside />
      <Screen />
      <Toasts />
    </>
  );
}

/**
 * Everything behind sign-in. Where a session ends in the middle of work it stays as it is behind the door, with all that
 * was typed, until the same person is back; for another one it begins anew.
 */
function Inside() {
  const session = useCell(useClient().session);
  const [kept, setKept] = useState<UserId>();
  let whose: UserId | undefined;
  if (session.kind === 'ready') whose = session.user.user_id;
  else if (session.kind === 'signed_out' && session.why === 'expired') whose = kept;
  if (whose !== kept) setKept(whose);
  if (whose === undefined) return null;
  return (
    <Activity mode={session.kind === 'ready' ? 'visible' : 'hidden'}>
      <Behind key={whose} />
    </Activity>
  );
}

function Behind() {
  return useShell() ?? <Starting />;
}

function Screen() {
  const t = useT();
  const errorText = useErrorText();
  const client = useClient();
  const session = useCell(client.session);
  const [path, navigate] = useLocation();
  useShellSoon(session.kind === 'signed_out' || session.kind === 'first_password');
  switch (session.kind) {
    case 'starting':
      return <Starting />;
    case 'unreachable':
      return (
        <Door title={t('app.unreachable')} lead={t('app.unreachable_hint', { why: errorText(session.error) })}>
          <Button mt="lg" fullWidth onClick={() => void client.start(path === paths.setup)}>
            {t('common.retry')}
          </Button>
        </Door>
      );
    case 'signed_out':
      if (path === paths.setup) {
        if (!session.setupDone) {
          return (
            <Suspense fallback={<Starting />}>
              <Setup />
            </Suspense>
          );
        }
        return (
          <Door title={t('setup.done_already')} lead={t('setup.done_hint')}>
            <Button mt="lg" fullWidth onClick={() => navigate(paths.signIn, { replace: true })}>
              {t('sign_in.submit')}
            </Button>
          </Door>
        );
      }
      return <SignIn session={session} />;
    case 'first_password':
      return <FirstPassword session={session} />;
    case 'ready':
      if (path === '/' || path === paths.signIn || path === paths.setup) return <Redirect to={paths.chats} replace />;
      return null;
  }
}

/** Who begins to type at the door will be in a moment later. */
function useShellSoon(atDoor: boolean): void {
  useEffect(() => {
    if (!atDoor) return undefined;
    // When it does not come, entering asks again.
    const load = () => void loadShell().catch(() => {});
    window.addEventListener('input', load, { once: true });
    return () => window.removeEventListener('input', load);
  }, [atDoor]);
}

/** A start that takes longer than this says what it is doing. */
const LONG_START_MS = 2_000;

function Starting() {
  const t = useT();
  return useSlow(true, LONG_START_MS) ? <Door title={t('app.starting')} /> : <Opening />;
}

/** What `index.html` shows until the first script draws. */
function Opening() {
  return (
    <div className="opening">
      <Logo />
    </div>
  );
}
